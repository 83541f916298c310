"""The language model of VietTTS: text → speech tokens, 25 a second (Du et al. 2024, CosyVoice, section 2.2; arXiv 2407.05407).

text ids → embedding → encoder → linear ─┐
speaker embedding → norm → linear ───────┤
                   start, speaker, text, task → decoder → logits → a token → its embedding → decoder → ... → the end

The rows of a batch differ in length, and end when they end. They stand in the decoder's cache with their last steps side by side
(transformer.py), so every step is the same for all of them; rows that have ended leave the batch. What a row says depends on its text,
its speaker and its generator alone.

B rows, T text ids, C channels, V logits (speech tokens and the end), W tokens that repetition looks back at, N tokens at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from loa.errors import SynthesisFailed
from worker.engines.viettts.architecture import LanguageModelShape
from worker.engines.viettts.sampling import NONE, draw
from worker.engines.viettts.transformer import Cache, Decoder, Encoder, Survivors

START, TASK = 0, 1  # rows of llm_embedding: before everything, and where speech begins
LEAST, MOST = 2, 20  # speech tokens for each text id
REACH = 1024  # steps that are prepared for: 48 text ids with all that may be said of them, 3 + 48 + 20 * 48 = 1011


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How generation is cut for a kind of device."""

    look: int  # steps until the host looks at what was said, for which it must wait for the device
    slots: int  # by which the cache grows
    share: float  # rows that have ended leave when no more than this share of the batch goes on


# A CPU is in step with its host anyway, and pays for every row. A GPU waits for nobody, pays for passes, and likes to meet a shape again.
CPU = Pace(look=1, slots=64, share=1.0)
CUDA = Pace(look=8, slots=256, share=0.5)


class LanguageModel(nn.Module):
    """Attributes are named as in the checkpoint, llm.pt. Runs in float32, or after `half()` in float16, or with
    float16 weights alone (half.py); tokens are drawn in float32."""

    def __init__(self, shape: LanguageModelShape) -> None:
        super().__init__()
        self.shape = shape
        self.text_embedding = nn.Embedding(shape.text_vocabulary, shape.text_size)
        self.text_encoder = Encoder(shape.text_encoder, causal=True)
        self.text_encoder_affine_layer = nn.Linear(shape.text_encoder.size, shape.size)
        self.spk_embed_affine_layer = nn.Linear(shape.speaker_size, shape.size)
        self.llm_embedding = nn.Embedding(2, shape.size)
        self.speech_embedding = nn.Embedding(shape.speech_vocabulary, shape.size)
        self.llm = Decoder(shape.decoder)
        self.llm_decoder = nn.Linear(shape.decoder.size, shape.speech_vocabulary + 1)

    @property
    def end(self) -> int:
        """The token that ends a sentence."""
        return self.shape.speech_vocabulary

    def prepare(self, reach: int = REACH) -> None:
        """Compute what depends on the weights alone, for text and speech of up to `reach` steps; longer ones extend it when they come."""
        self.text_encoder.prepare()
        self.llm.prepare(reach)

    def speaker(self, embedding: torch.Tensor) -> torch.Tensor:
        """Speaker embeddings [B, S] → what `generate` wants of them [B, C]: the same for everything that a voice says."""
        return self.spk_embed_affine_layer(functional.normalize(embedding.float(), dim=1).to(self.llm_embedding.weight.dtype))

    def encode(self, texts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Text ids, each [T] → [B, T, C]; what lies beyond a text's length means nothing."""
        ids = pad_sequence([text.to(self.text_embedding.weight.device) for text in texts], batch_first=True)
        return self.text_encoder_affine_layer(self.text_encoder(self.text_embedding(ids)))

    def begin(self, texts: Sequence[torch.Tensor], speakers: torch.Tensor, grain: int = CPU.slots) -> tuple[torch.Tensor, Cache]:
        """Text ids, each [T], and speakers [B, C] → logits of the first token [B, V], and a cache of a multiple of `grain` slots."""
        start, task = self.llm_embedding.weight[START, None], self.llm_embedding.weight[TASK, None]
        rows = [
            torch.cat([start, speaker[None].to(start.dtype), encoded[: len(text)], task])
            for text, speaker, encoded in zip(texts, speakers, self.encode(texts), strict=True)
        ]
        x = pad_sequence(rows, batch_first=True, padding_side="left")
        steps = x.shape[1]
        starts = torch.tensor([steps - len(row) for row in rows], device=x.device)
        cache = Cache(self.shape.decoder, starts, -(-steps // grain) * grain, x.dtype)
        return self.llm_decoder(self.llm.prefill(self.llm.enter(x), cache)), cache

    def step(self, tokens: torch.Tensor, cache: Cache) -> torch.Tensor:
        """The tokens [B] that came last → logits of the next one [B, V]. Of static shapes, and nothing waits for the device."""
        # A row that has ended may still be in the batch: the end has no embedding, and what is said after it is all the same.
        embedded = self.speech_embedding(tokens.clamp(0, self.end - 1))
        return self.llm_decoder(self.llm.step(self.llm.enter(embedded), cache))

    def generate(
        self,
        texts: Sequence[torch.Tensor],
        speakers: torch.Tensor,
        generators: Sequence[torch.Generator],
        *,
        forced: int | None = None,
        pace: Pace | None = None,
    ) -> list[torch.Tensor]:
        """Text ids, each [T] and none empty, speakers [B, C], a CPU generator a row → the speech tokens of each row [N], on the CPU.

        forced: say exactly so many tokens, the end barred. Raises SynthesisFailed when the model's output is not a number.
        """
        if not all(len(text) for text in texts):
            raise ValueError("a text without ids cannot be spoken")
        if forced is not None and forced < 1:
            raise ValueError(f"at least one token can be forced, not {forced}")
        if pace is None:
            pace = CUDA if speakers.is_cuda else CPU
        rows = [Row(least=LEAST * len(text), most=MOST * len(text)) if forced is None else Row(least=forced, most=forced) for text in texts]
        logits, cache = self.begin(texts, speakers, pace.slots)
        batch = Batch(self, cache, rows, generators, spare=pace.look)
        batch.draw(logits)
        present = rows  # in the batch, in its order
        while True:
            going = [place for place, (row, tokens) in enumerate(zip(present, batch.news(), strict=True)) if row.goes_on(tokens, self.end)]
            if not going:
                return [torch.tensor(row.said, dtype=torch.long) for row in rows]
            if len(going) < len(present) and len(going) <= pace.share * len(present):
                survivors = Survivors(going)
                batch.keep(survivors)
                present = [present[place] for place in survivors.order]
            cache.reserve(pace.look, pace.slots)
            for _ in range(pace.look):
                batch.advance()


@dataclass(kw_only=True)
class Row:
    """What the host knows of a row."""

    least: int  # tokens before the end may come
    most: int
    said: list[int] = field(default_factory=list)
    ended: bool = False

    def goes_on(self, tokens: Sequence[int], end: int) -> bool:
        """Take in the tokens that were drawn. → whether the row wants more."""
        for token in tokens:
            if self.ended or token == end:
                break
            if token == NONE:
                raise SynthesisFailed("the language model's output is not a number; its weights are damaged or their precision is too low")
            self.said.append(token)
            self.ended = len(self.said) == self.most
        else:
            return not self.ended
        self.ended = True
        return False


class Batch:
    """What the device knows of the rows, beside the cache. `advance` is the whole of a step, of static shapes: fit for a CUDA graph."""

    def __init__(self, model: LanguageModel, cache: Cache, rows: Sequence[Row], generators: Sequence[torch.Generator], spare: int) -> None:
        """spare: how many tokens may be drawn beyond a row's most."""
        self.model, self.cache = model, cache
        device = cache.slot.device
        window = model.shape.window
        most = max(row.most for row in rows)
        # A row's numbers depend on its generator alone, and all come at once: a batch's other rows cannot shift them.
        uniform = [torch.rand(row.most, generator=generator) for row, generator in zip(rows, generators, strict=True)]
        self.uniform = functional.pad(pad_sequence(uniform, batch_first=True), (0, spare)).to(device)  # [B, N + spare]
        self.least = torch.tensor([row.least for row in rows], device=device)
        self.said = torch.full((len(rows), window + most + spare), NONE, device=device)  # the first W stand for what was not said
        self.count = torch.zeros(1, dtype=torch.long, device=device)  # tokens drawn
        self._window = torch.arange(window, device=device)
        self._drawn = self._told = 0  # the host's own count of tokens, and how many of them it has seen

    def draw(self, logits: torch.Tensor) -> None:
        """The next token of each row, from logits [B, V]."""
        recent = self.said.index_select(1, self.count + self._window)
        uniform = self.uniform.index_select(1, self.count).squeeze(1)
        tokens = draw(logits, recent, self.count < self.least, uniform, self.model.shape)
        self.said.index_copy_(1, self.count + len(self._window), tokens.unsqueeze(1))
        self.count += 1
        self._drawn += 1

    def advance(self) -> None:
        """One step of every row: what was said last → the next token."""
        last = self.said.index_select(1, self.count + (len(self._window) - 1)).squeeze(1)
        self.draw(self.model.step(last, self.cache))

    def news(self) -> list[list[int]]:
        """What was drawn for each row since this was last asked. Waits for the device."""
        first, self._told = self._told, self._drawn
        window = len(self._window)
        return self.said[:, window + first : window + self._drawn].tolist()

    def keep(self, rows: Survivors) -> None:
        """Go on with these rows alone."""
        self.cache.keep(rows)
        self.uniform, self.least, self.said = rows.of(self.uniform), rows.of(self.least), rows.of(self.said)
