"""VietTTS speaks: three sentences by each voice, as a worker would speak them, on its device and in its precision.

Told of each sentence are the seconds of every network and, as far as that can be seen without listening, whether it can be speech at all.
A file of it is there to be listened to.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import soundfile
import torch

from loa.engine_files import EngineFiles
from loa.errors import LoaError
from loa.settings import Settings
from loa.text import normalise
from loa.verification import Check, Step, Steps, skipped
from loa.voice_prompt import judge, read_recording
from loa.voices import Voice, VoiceRegistry
from worker.engines.base import Passage, VoiceState
from worker.engines.viettts.engine import Engine
from worker.engines.viettts.precision import Precision, name_of
from worker.plausibility import defect

LANGUAGE = "vi-VN"
SENTENCES = (
    "Chào mừng bạn đến với Loa.",
    "Giọng nói này được học từ vài giây ghi âm, và bây giờ có thể đọc bất cứ câu nào.",
    "Nếu bạn nghe rõ từng chữ, đủ cả dấu hỏi, dấu ngã và dấu nặng, thì mọi thứ đã được lắp đúng.",
)
NETWORKS = {"language_model": "language model", "flow": "flow", "vocoder": "vocoder"}


def audition(
    step: Steps,
    files: EngineFiles,
    settings: Settings,
    device: torch.device,
    registry: VoiceRegistry,
    recordings: Sequence[Path],
    output: Path,
) -> Iterator[Check]:
    """Every common voice that is installed, and every recording; a wav file in `output` for each sentence."""
    engine = Engine()
    with step("engine") as taken:
        precision = Precision.chosen(settings.viettts_precision, device)
        engine.open(files, device, precision)
        kinds = dict.fromkeys(NETWORKS, name_of(torch.float32)) | {"language_model": name_of(precision.language_model)}
        taken.found(f"loaded on {device}: {', '.join(f'{NETWORKS[name]} in {kind}' for name, kind in kinds.items())}", **kinds)
    yield taken.check
    if not taken.passed:
        return
    warm = False
    for voice, recording in _candidates(registry, recordings):
        if recording is None and not registry.installed(voice):
            yield skipped(f"voice {voice.name}", f"not installed; `loa voices pull {voice.name}` brings it")
            continue
        state = None
        with step(f"voice {voice.name}") as taken:
            state, figures = _made(engine, voice, registry, recording)
            prompt = state.module.prompt
            told = f"made of {len(prompt.tokens)} speech tokens and {len(prompt.mel)} mel frames of its recording"
            taken.found(told, prompt_tokens=len(prompt.tokens), prompt_frames=len(prompt.mel), **figures)
        yield taken.check
        if state is None:
            continue
        if not warm:
            with step("warm-up") as taken:
                for shape in engine.warm_shapes():
                    engine.warm(state, shape)
                taken.found("what a worker does once, before its first job")
            yield taken.check
            warm = True
        for number, sentence in enumerate(SENTENCES, start=1):
            with step(f"{voice.name}, sentence {number}") as taken:
                _speak(taken, engine, state, sentence, output / f"{voice.name}-{number}.wav")
            yield taken.check


def common_voices(registry: VoiceRegistry) -> list[Voice]:
    """Those that every worker of this engine preloads."""
    return [voice for voice in registry.all().values() if voice.engine == Engine.name and voice.common]


def _candidates(registry: VoiceRegistry, recordings: Sequence[Path]) -> Iterator[tuple[Voice, Path | None]]:
    """The common voices, and the recordings under names that no other has."""
    names = set()
    for voice in common_voices(registry):
        names.add(voice.name)
        yield voice, None
    for recording in recordings:
        free = (f"{recording.stem}{suffix}" for suffix in itertools.chain([""], (f"-{count}" for count in itertools.count(2))))
        name = next(name for name in free if name not in names)
        names.add(name)
        yield Voice(name=name, title=name, engine=Engine.name, language=LANGUAGE, licence="", commercial_use=None), recording


def _made(engine: Engine, voice: Voice, registry: VoiceRegistry, recording: Path | None) -> tuple[VoiceState, dict[str, Any]]:
    """The voice, and what was measured of a recording: it has to stand the judgement that `loa voices add` passes."""
    if recording is None:
        return engine.make_voice(voice, registry.files(voice)), {}
    measured = judge(read_recording(recording)).to_json()
    return engine.make_voice(voice, {"prompt": recording}), {"recording": measured}


def _speak(taken: Step, engine: Engine, voice: VoiceState, sentence: str, path: Path) -> None:
    engine.model.seconds = spent = {}
    began = time.perf_counter()
    (speech,) = engine.synthesize([Passage(text=normalise(sentence), voice=voice)])
    seconds = time.perf_counter() - began
    engine.model.seconds = None
    if isinstance(speech, LoaError):
        raise speech
    soundfile.write(path, speech.pcm, speech.sample_rate)
    factor = seconds / speech.seconds
    parts = ", ".join(f"{name} {spent[network]:.2f} s" for network, name in NETWORKS.items())
    told = f"{path.name}: {speech.seconds:.2f} s of speech in {seconds:.2f} s, real-time factor {factor:.3f} ({parts})"
    problem = defect(speech)
    conclude = taken.fail if problem else taken.found
    conclude(
        f"{problem}; {told}" if problem else told,
        text=sentence,
        file=path.name,
        audio_seconds=round(speech.seconds, 3),
        seconds=round(seconds, 3),
        real_time_factor=round(factor, 4),
        **{f"{network}_seconds": round(spent[network], 3) for network in NETWORKS},
    )
