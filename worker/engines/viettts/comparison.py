"""VietTTS beside its own implementation: the same weights, the same inputs, and how far apart the two answers are.

Both sides compute in float32 on the CPU, whatever a worker uses: there, a difference is one of the mathematics and not of a device. It is a
few seconds of speech that they compute, which takes some half a minute on two cores.

T tokens, F frames, M mel bands, N tokens said, V logits, C channels, S channels of a speaker.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from loa.verification import Check, Step, Steps
from worker.engines.viettts.architecture import Architecture
from worker.engines.viettts.features import SPEECH_RATE, fbank, log_mel_128, prompt_mel
from worker.engines.viettts.flow import Flow, Prompt
from worker.engines.viettts.frontend import LONGEST
from worker.engines.viettts.hift import Vocoder
from worker.engines.viettts.language_model import CPU, LanguageModel
from worker.engines.viettts.prompt import widened
from worker.engines.viettts.reference import INSTALLATION, Missing, Reference, noise_of, whisper_log_mel
from worker.engines.viettts.reference import prompt_mel as reference_prompt_mel
from worker.engines.viettts.source import draw
from worker.resample import torchaudio

TOLERANCE = 1e-4  # of the largest number that the reference answers
SAID = 100  # tokens that the language models have to say: 4 s
SOUNDED = 50  # of them become sound, 2 s: more than 40, so that the regulator stretches them in three pieces
PROMPTED = 25  # tokens of the prompt, at most: 1 s
SEED = 1


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Loa's three, in float32 on the CPU, and what they were made of."""

    architecture: Architecture
    language_model: LanguageModel
    flow: Flow
    vocoder: Vocoder
    config: Path
    checkpoints: Mapping[str, Mapping[str, torch.Tensor]]  # the tensors of llm.pt, flow.pt and hift.pt by these names


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was heard of a recording."""

    pcm: torch.Tensor  # [n] at 16 kHz
    embedding: torch.Tensor  # [S]
    tokens: torch.Tensor  # [T]


@torch.inference_mode()
def compare(step: Steps, networks: Networks, heard: Heard, ids: torch.Tensor) -> Iterator[Check]:
    """Each network beside the reference's, for one sentence [T] by one speaker."""
    reference = None
    with step("reference") as taken:
        try:
            reference = Reference(networks.config, networks.checkpoints)
            taken.found(f"viet-tts {reference.version} is installed and takes the same weights", version=reference.version)
        except Missing as missing:
            taken.skip(f"nothing to compare with ({missing}); install it beside Loa with: {INSTALLATION}")
    yield taken.check
    if reference is not None:
        yield from _networks(step, networks, reference, heard, ids)


def _networks(step: Steps, networks: Networks, reference: Reference, heard: Heard, ids: torch.Tensor) -> Iterator[Check]:
    """After a step that failed, the next one goes on with inputs of its own."""
    language_model, flow, vocoder, architecture = networks.language_model, networks.flow, networks.vocoder, networks.architecture
    with step("reference: text encoder") as taken:
        _judge(taken, language_model.encode([ids])[0], reference.encoded(ids))
    yield taken.check

    said = torch.arange(SAID) % architecture.flow.vocabulary
    with step("reference: language model") as taken:
        speaker = language_model.speaker(heard.embedding[None])
        (said,) = language_model.generate([ids], speaker, [torch.Generator().manual_seed(SEED)], forced=SAID)
        ours, theirs = forced_logits(language_model, ids, speaker, said), reference.logits(ids, heard.embedding, said.tolist())
        same = int((ours.argmax(1) == theirs.argmax(1)).sum())
        _judge(taken, ours, theirs, f"the likeliest token is the same in {same} of {SAID} steps", same == SAID, steps=SAID, same=same)
    yield taken.check

    tokens, prompt = said[:SOUNDED], heard.tokens[:PROMPTED]
    known = prompt_mel(widened(heard.pcm))[: flow.frames(len(prompt))]
    mel = torch.zeros(architecture.flow.mels, flow.frames(SOUNDED))
    with step("reference: flow") as taken:
        noise = noise_of(SEED, len(mel), len(known) + mel.shape[1])
        (mel,) = flow.mels([tokens], [Prompt(tokens=prompt, mel=known)], flow.speaker(heard.embedding[None]), [noise])
        _judge(taken, mel, reference.mel(tokens, prompt, known, heard.embedding, SEED))
    yield taken.check

    chance = draw(architecture.vocoder, mel.shape[1], torch.Generator().manual_seed(SEED))
    source = chance.noise
    with step("reference: pitch") as taken:
        pitch = vocoder.f0_predictor(mel.T[None], None)
        source = vocoder.m_source(pitch, chance.phases[None], chance.noise[None])[0]
        _judge(taken, pitch[0], reference.pitch(mel))
    yield taken.check
    with step("reference: vocoder") as taken:
        _judge(taken, vocoder.filtered(mel[None], None, source[None])[0], reference.samples(mel, source))
    yield taken.check


def forced_logits(model: LanguageModel, ids: torch.Tensor, speaker: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """What our language model says of each next token, when it has to say `tokens` [N] → [N, V]."""
    logits, cache = model.begin([ids], speaker)
    seen = [logits]
    for token in tokens[:-1]:
        cache.reserve(1, CPU.slots)
        seen.append(model.step(token[None], cache))
    return torch.cat(seen)


@torch.inference_mode()
def compare_features(step: Steps, pcm: torch.Tensor) -> Iterator[Check]:
    """What is heard of a recording [n] at 16 kHz, beside what the reference takes it from. Each needs another package."""
    pcm = pcm[:LONGEST]
    for name, ours, theirs, package in (
        ("speaker features", lambda: fbank(pcm), lambda: _kaldi(pcm), "torchaudio"),
        ("token features", lambda: log_mel_128(pcm), lambda: whisper_log_mel(pcm), "openai-whisper"),
        ("prompt mel", lambda: prompt_mel(widened(pcm)), lambda: reference_prompt_mel(widened(pcm)), "viet-tts, as above, and librosa"),
    ):
        with step(f"reference: {name}") as taken:
            try:
                _judge(taken, ours(), theirs())
            except Missing as missing:
                taken.skip(f"nothing to compare with ({missing}); it takes {package}")
        yield taken.check


def _kaldi(pcm: torch.Tensor) -> torch.Tensor:
    """[1, T, 80], as the reference calls torchaudio for it."""
    torchaudio()
    from torchaudio.compliance import kaldi

    bank = kaldi.fbank(pcm[None], num_mel_bins=80, dither=0, sample_frequency=SPEECH_RATE)
    return (bank - bank.mean(dim=0, keepdim=True))[None]


def _judge(taken: Step, ours: torch.Tensor, theirs: torch.Tensor, more: str = "", holds: bool = True, **figures: Any) -> None:
    """The step passes when no number is farther from the reference's than TOLERANCE of the largest one, and when `more` holds."""
    if ours.shape != theirs.shape:
        taken.fail(f"of the shape {tuple(ours.shape)} instead of {tuple(theirs.shape)}")
        return
    scale, share = theirs.abs().max(), ((ours - theirs).abs().max() / theirs.abs().max()).item()
    fact = f"off by {share:.1e} of the largest number, {scale:.3g} ({TOLERANCE:g} is allowed)" + (more and f"; {more}")
    if not math.isfinite(share):
        taken.fail(f"{fact}: one side holds what is no number")
    elif share <= TOLERANCE and holds:
        taken.found(fact, difference=share, scale=scale.item(), allowed=TOLERANCE, **figures)
    else:
        taken.fail(fact, difference=share, scale=scale.item(), allowed=TOLERANCE, **figures)
