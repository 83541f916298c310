"""VietTTS's own implementation (viet-tts 0.1.0 from PyPI), where it is installed: what its networks say with the same weights.

Loa speaks without it. Only `loa engines verify`, its benchmark and the tests of `make golden` come here, and only here is it imported, by
name and when it is needed. It is built as it builds itself, by HyperPyYAML out of config.yaml, and asked through its own entrances; what
chance would contribute is given to it:

- the tokens that its language model says, through the sampler that its configuration hands to it;
- the flow's noise, by seeding the generator that it draws from;
- the vocoder's source, through the entrance that its streaming uses.

T tokens, F frames, M mel bands, V logits; all of one row, on the CPU, in float32 unless `as_shipped`.
"""

from __future__ import annotations

import copy
import importlib
import importlib.metadata
import itertools
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import torch
import yaml

from loa.errors import BrokenEngine
from worker.engines.viettts.features import PROMPT_FFT, PROMPT_HIGH, PROMPT_HOP, PROMPT_MELS, PROMPT_RATE, WHISPER_MELS

# Its own pins fit no current PyTorch, hence --no-deps; HyperPyYAML 1.2.3 fails with newer versions of ruamel.yaml.
INSTALLATION = (
    "pip install --no-deps viet-tts==0.1.0 && "
    "pip install conformer==0.3.2 diffusers==0.42.1 HyperPyYAML==1.2.3 'ruamel.yaml<0.19' omegaconf==2.4.0 einops scipy"
)
# HyperPyYAML calls whatever a tag names. These are the ones of the public config.yaml, and no other is let through.
TAGS = frozenset(
    {
        "!ref",
        *(f"!apply:{seed}" for seed in ("random.seed", "numpy.random.seed", "torch.manual_seed", "torch.cuda.manual_seed_all")),
        "!new:omegaconf.DictConfig",
        "!new:viettts.llm.llm.TransformerLM",
        "!new:viettts.transformer.encoder.ConformerEncoder",
        "!new:viettts.transformer.encoder.TransformerEncoder",
        "!name:viettts.utils.common.ras_sampling",
        "!new:viettts.flow.flow.MaskedDiffWithXvec",
        "!new:viettts.flow.length_regulator.InterpolateRegulator",
        "!new:viettts.flow.flow_matching.ConditionalCFM",
        "!new:viettts.flow.decoder.ConditionalDecoder",
        "!new:viettts.hifigan.generator.HiFTGenerator",
        "!new:viettts.hifigan.f0_predictor.ConvRNNF0Predictor",
    }
)


class Missing(Exception):
    """A package that the reference needs is not installed; the message names it."""


class Reference:
    """The three networks. Raises Missing, or BrokenEngine for a configuration that asks for more than a model."""

    def __init__(self, config: Path, checkpoints: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
        """checkpoints: the tensors of llm.pt, flow.pt and hift.pt by these names."""
        text = config.read_text(encoding="utf-8")
        foreign = sorted({event.tag for event in yaml.parse(text) if getattr(event, "tag", None)} - TAGS)
        if foreign:
            raise BrokenEngine(f"{config} would make the reference call {', '.join(foreign)}, so it is not built", file=config.name)
        for tag in sorted(TAGS):
            if tag.startswith(("!new:", "!name:")):
                _imported(tag.partition(":")[2].rpartition(".")[0])
        hyperpyyaml = _imported("hyperpyyaml")
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):  # the configuration seeds the generators of the whole process
            warnings.simplefilter("ignore")  # it uses what torch calls deprecated
            networks = hyperpyyaml.load_hyperpyyaml(text)
        self.version = importlib.metadata.version("viet-tts")
        self.language_model = _filled(networks["llm"], checkpoints["llm.pt"])
        self.flow = _filled(networks["flow"], checkpoints["flow.pt"])
        self.vocoder = _filled(networks["hift"], checkpoints["hift.pt"])

    def as_shipped(self) -> Self:
        """Its language model in float16 throughout, which is how it runs it on any device. Flow and vocoder, in float32, are the same."""
        shipped = copy.copy(self)
        shipped.language_model = copy.deepcopy(self.language_model).half()
        return shipped

    def encoded(self, ids: torch.Tensor) -> torch.Tensor:
        """Text ids [T] → [T, C], as they enter the language model."""
        model = self.language_model
        return model.encode(model.text_embedding(ids[None]), torch.tensor([len(ids)]))[0][0]

    def logits(self, ids: torch.Tensor, embedding: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
        """What it says of each next token after these text ids [T], by this speaker [S], when it has to say `tokens` [N] → [N, V]."""
        model = self.language_model
        seen: list[torch.Tensor] = []
        watch = model.llm_decoder.register_forward_hook(lambda _module, _inputs, output: seen.append(output[0]))
        model.sampling, own = (lambda _scores, said, _count: torch.tensor(tokens[len(said)])), model.sampling
        try:
            said = self.tokens(ids, embedding, len(tokens))
        finally:
            watch.remove()
            model.sampling = own
        assert said.tolist() == list(tokens)
        return torch.stack(seen)

    def tokens(self, ids: torch.Tensor, embedding: torch.Tensor, count: int) -> torch.Tensor:
        """So many tokens [N] after these text ids [T], by this speaker [S], drawn as the configuration says, the end barred."""
        nothing, none = torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, dtype=torch.long)
        steps = self.language_model.inference(
            text=ids[None],
            text_len=torch.tensor([len(ids)]),
            prompt_text=nothing,
            prompt_text_len=none,
            prompt_speech_token=nothing,
            prompt_speech_token_len=none,
            embedding=embedding[None].to(self.language_model.llm_embedding.weight.dtype),
            min_token_text_ratio=(count + 0.5) / len(ids),  # it multiplies and rounds down
            max_token_text_ratio=(count + 0.5) / len(ids),
        )
        return torch.tensor(list(itertools.islice(steps, count)))

    def mel(self, tokens: torch.Tensor, prompt: torch.Tensor, prompt_mel: torch.Tensor, embedding: torch.Tensor, seed: int) -> torch.Tensor:
        """tokens [T], the prompt's tokens [T] and mel [F, M], speaker [S] → the mel [M, F] that the flow makes of `noise_of` this seed."""
        rows = (tokens[None], prompt[None], prompt_mel[None])
        given = itertools.chain.from_iterable((row, torch.tensor([row.shape[1]])) for row in rows)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.flow.inference(*given, embedding[None])[0]

    def pitch(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [M, F] → Hz [F]."""
        return self.vocoder.f0_predictor(mel[None])[0]

    def samples(self, mel: torch.Tensor, source: torch.Tensor | None = None) -> torch.Tensor:
        """mel [M, F] and a source signal [F · frame] → samples of the same length. None: a source of its own, by chance."""
        own = torch.zeros(0) if source is None else source
        return self.vocoder.inference(mel=mel[None], cache_source=own[None, None])[0][0]


def noise_of(seed: int, mels: int, frames: int) -> torch.Tensor:
    """The noise [M, F] that the reference's flow begins with when the global generator was seeded so."""
    return torch.randn(mels, frames, generator=torch.Generator().manual_seed(seed))


def whisper_log_mel(pcm: torch.Tensor) -> torch.Tensor:
    """[n] at 16 kHz → [1, 128, T], by openai-whisper, which the reference calls for it. Raises Missing."""
    return _imported("whisper").log_mel_spectrogram(pcm[None], n_mels=WHISPER_MELS)


def prompt_mel(pcm: torch.Tensor) -> torch.Tensor:
    """[n] at 22,050 Hz → [F, M], by the reference. Raises Missing."""
    _imported("librosa")  # which brings the filters
    # The module also imports vinorm, which rewrites text and does not load on Python 3.12; nothing here is in need of it.
    sys.modules.setdefault("vinorm", _module_with("vinorm", "TTSnorm"))
    spectrogram = _imported("viettts.utils.frontend_utils").mel_spectrogram
    sizes = {"n_fft": PROMPT_FFT, "win_size": PROMPT_FFT, "hop_size": PROMPT_HOP, "num_mels": PROMPT_MELS, "fmax": PROMPT_HIGH}
    return spectrogram(pcm[None], sampling_rate=PROMPT_RATE, fmin=0, **sizes)[0].T


def _filled(network: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    network.load_state_dict(tensors, strict=True)
    return network.eval().requires_grad_(False)


def _imported(name: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        raise Missing(str(error)) from error


def _module_with(name: str, *attributes: str) -> ModuleType:
    """A stand-in that has these attributes, each None."""
    module = ModuleType(name)
    vars(module).update(dict[str, Any].fromkeys(attributes))
    return module
