"""The flow: speech tokens → mel spectrogram, in the voice of a prompt (CosyVoice, Du et al. 2024, arXiv 2407.05407, section 2.3).

prompt's tokens, tokens → encoder → regulator → mu ┐
                       prompt's mel, then silence  ├→ solver → the prompt again, speech → speech
                                   speaker, noise  ┘

The model continues the prompt: it sees the prompt's tokens together with its mel, and goes on in the same voice.

B rows, T tokens, F frames, C channels, M mel bands. Attributes are named as in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from worker.engines.viettts.architecture import FlowShape
from worker.engines.viettts.regulator import Regulator, Stretch, frames_of
from worker.engines.viettts.solver import Solver
from worker.engines.viettts.transformer import Encoder


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A few seconds of the voice; none at all is possible, too."""

    tokens: torch.Tensor  # [T], whole numbers
    mel: torch.Tensor  # [F, M]


class Flow(nn.Module):
    def __init__(self, shape: FlowShape) -> None:
        super().__init__()
        self.shape = shape
        self.input_embedding = nn.Embedding(shape.vocabulary, shape.token_size)
        self.spk_embed_affine_layer = nn.Linear(shape.speaker_size, shape.mels)
        self.encoder = Encoder(shape.encoder, causal=False)
        self.encoder_proj = nn.Linear(shape.encoder.size, shape.mels)
        self.length_regulator = Regulator(shape)
        self.decoder = Solver(shape)

    def speaker(self, embedding: torch.Tensor) -> torch.Tensor:
        """Speaker embeddings [B, S] → what `mels` takes of them, [B, M]; the same for every sentence of a voice."""
        return self.spk_embed_affine_layer(functional.normalize(embedding, dim=1))

    def frames(self, tokens: int) -> int:
        """How many frames so many tokens become."""
        return frames_of(self.shape, tokens)

    def mels(
        self,
        tokens: Sequence[torch.Tensor],
        prompts: Sequence[Prompt],
        speakers: torch.Tensor,
        noise: Sequence[torch.Tensor],
        *,
        precision: torch.dtype | None = None,
    ) -> list[torch.Tensor]:
        """Of each row: tokens [T], at least one; its prompt; speaker of [B, M]; noise [M, F], prompt and speech → mel [M, frames(T)].

        precision: of the solver's products, where it should be lower than that of its weights.
        """
        rows = [
            Stretch(prompt_tokens=len(prompt.tokens), prompt_frames=len(prompt.mel), tokens=len(spoken), frames=self.frames(len(spoken)))
            for spoken, prompt in zip(tokens, prompts, strict=True)
        ]
        mu = self.mu([torch.cat([prompt.tokens, spoken]) for spoken, prompt in zip(tokens, prompts, strict=True)], rows)
        known = torch.zeros_like(mu)
        for index, prompt in enumerate(prompts):
            known[index, : len(prompt.mel)] = prompt.mel
        drawn = pad_sequence([row.T for row in noise], batch_first=True)
        spectra = self.decoder(drawn, mu, speakers, known, [row.all_frames for row in rows], precision)
        return [spectrum[row.prompt_frames : row.all_frames].T for spectrum, row in zip(spectra, rows, strict=True)]

    def mu(self, tokens: Sequence[torch.Tensor], rows: Sequence[Stretch]) -> torch.Tensor:
        """All tokens of every row, prompt's first → what they say of each frame [B, F, M]."""
        lengths = [len(row) for row in tokens]
        padded = min(lengths) < max(lengths)
        x = self.input_embedding(pad_sequence(list(tokens), batch_first=True))
        x = self.encoder(x, torch.tensor(lengths, device=x.device) if padded else None)
        return self.length_regulator(self.encoder_proj(x), rows)
