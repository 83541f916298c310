"""The engine protocol for Piper voices: text → phonemes → rows of ids → samples and word timings.

Levels: what the model says is kept as it is, only held within -1..1. (Piper itself raises every sentence to full scale, which makes a
murmur as loud as a shout and depends on one sample; loudness is a matter of the whole job, where it is mastered.)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from loa.engines import ENGINES
from loa.errors import BrokenManifest, BrokenVoice, LoaError, Unspeakable
from loa.settings import Settings
from loa.voices import Voice
from worker.engines.base import Passage, Speech, VoiceState, Word
from worker.engines.edges import softened
from worker.engines.noise import row_seed
from worker.engines.vits.config import VoiceConfig
from worker.engines.vits.model import Vits
from worker.engines.vits.pace import NUMERALS, Pace
from worker.engines.vits.phonemes import Phonemizer, Script, espeak
from worker.engines.vits.synthesis import CPU, CUDA, Batching, Line, Manner, Shape, Spoken, measure, speak, warm
from worker.engines.vits.weights import load_vits

# Seconds of compute for a second of audio, on slow hardware of each kind: only until the worker has measured its own.
REAL_TIME_FACTORS = {"cpu": 0.1, "cuda": 0.005}
EXCERPT = 80  # characters of a passage that an error quotes
# Frames (12 ms each) put before a row. Piper's voices learnt from recordings that were trimmed closely: they give the beginning of a row a
# frame or two, and what begins with "s" or "sh" begins in the middle of it. With two more it rises from next to nothing.
LEAD = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PiperVoice:
    """What speaks: a voice state's `module`."""

    model: Vits
    config: VoiceConfig
    phonemizer: Phonemizer
    manner: Manner
    pace: Pace


class Engine:
    """`plain=True` leaves out all that is not the model's own: the noise, so that every reading of a text is the same whatever its seed,
    and what is done for its edges. Tests compare such readings with other implementations."""

    name = "vits"
    sound_version = ENGINES["vits"].sound_version
    keeps_voices = False  # a voice is its weights, which lie on every disk that they are read from

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain
        self.device = torch.device("cpu")
        self._batching: Batching = CPU

    def load(self, device: torch.device, settings: Settings) -> None:  # noqa: ARG002 - all of it is in the voices
        self.device = device
        self._batching = CUDA if device.type == "cuda" else CPU
        if device.type == "cuda":
            # Rounded to TF32, durations differ from those of a CPU: the same text would sound different on another device.
            torch.backends.cuda.matmul.fp32_precision = "ieee"
            torch.backends.cudnn.conv.fp32_precision = "ieee"
        espeak()

    def make_voice(self, voice: Voice, files: dict[str, Path]) -> VoiceState:
        """The fingerprint is left empty: the voice cache knows it from the registry."""
        for role in ("model", "config"):
            if role not in files:
                raise BrokenManifest(f"the manifest of voice {voice.name!r} names no file with the role {role!r}", voice=voice.name)
        config = VoiceConfig.read(files["config"])
        model = load_vits(files["model"], self.device)
        _check_match(config, model, files)
        speaker = _speaker(voice, config)
        try:
            phonemizer = Phonemizer(config, voice.language)
        except ValueError as error:
            raise BrokenVoice(f"{files['config']}: {error}", voice=voice.name, file=files["config"].name) from error
        manner = Manner(
            noise_scale=0.0 if self._plain else config.noise_scale,
            duration_noise_scale=0.0 if self._plain else config.duration_noise_scale,
            speaker=speaker,
            lead=0 if self._plain else LEAD,
        )
        numerals = [phonemizer.ids(row)[0] for row in phonemizer.script(NUMERALS).rows]
        frame = model.arch.hop / config.sample_rate
        pace = Pace.measured([len(ids) for ids in numerals], measure(model, numerals, config.length_scale, manner), frame, manner.lead)
        return VoiceState(
            name=voice.name,
            fingerprint="",
            tensors=dict(model.state_dict()),
            facts={
                "language": voice.language,
                "speaker": speaker,
                "sample_rate": config.sample_rate,
                "config": config.to_json(),
                "architecture": model.arch.to_json(),
            },
            module=PiperVoice(model=model, config=config, phonemizer=phonemizer, manner=manner, pace=pace),
        )

    def estimate(self, audio_seconds: float) -> float:
        return audio_seconds * REAL_TIME_FACTORS.get(self.device.type, REAL_TIME_FACTORS["cpu"])

    def warm_shapes(self) -> Sequence[Shape]:
        return self._batching.shapes()

    def warm(self, voice: VoiceState, shape: Shape) -> None:
        warm(voice.module.model, shape, voice.module.manner)

    def synthesize(self, passages: Sequence[Passage]) -> list[Speech | LoaError]:
        results: list[Speech | LoaError | None] = [None] * len(passages)
        scripts: dict[int, Script] = {}
        for place, passage in enumerate(passages):
            script = passage.voice.module.phonemizer.script(passage.text)
            if script.rows:
                scripts[place] = script
            else:
                results[place] = Unspeakable(
                    f"voice {passage.voice.name!r} finds nothing to say in {_excerpt(passage.text)}", text=passage.text[:EXCERPT]
                )
        voices: dict[int, list[int]] = {}  # places that share a voice
        for place in scripts:
            voices.setdefault(id(passages[place].voice.module), []).append(place)
        for places in voices.values():
            said = self._speak_together([(passages[place], scripts[place]) for place in places])
            for place, speech in zip(places, said, strict=True):
                results[place] = speech
        return results

    def _speak_together(self, readings: Sequence[tuple[Passage, Script]]) -> list[Speech]:
        """Passages of one voice."""
        voice: PiperVoice = readings[0][0].voice.module
        lines: list[Line] = []
        starts: list[list[int]] = []  # of each line, where its phonemes begin among its ids
        for passage, script in readings:
            for number, row in enumerate(script.rows):
                ids, begins = voice.phonemizer.ids(row)
                starts.append(begins)
                lines.append(Line(ids=ids, pace=voice.config.length_scale / passage.speed, seed=row_seed(passage.seed, number)))
        spoken = speak(voice.model, lines, voice.manner, self._batching)
        speeches: list[Speech] = []
        at = 0
        for passage, script in readings:
            stop = at + len(script.rows)
            speeches.append(_join(passage, script, spoken[at:stop], starts[at:stop]))
            at = stop
        return speeches


def _join(passage: Passage, script: Script, spoken: Sequence[Spoken], starts: Sequence[list[int]]) -> Speech:
    """One passage's rows, one after the other with the silence between, and its words' times."""
    voice: PiperVoice = passage.voice.module
    rate, hop = voice.config.sample_rate, voice.model.arch.hop
    parts: list[np.ndarray] = []
    begins: list[np.ndarray] = []  # seconds at which each phoneme begins, row by row
    ends: list[np.ndarray] = []
    samples = 0
    for number, (row, said, begun) in enumerate(zip(script.rows, spoken, starts, strict=True)):
        clock = np.concatenate([[0], np.cumsum(said.frames.numpy())])[begun] * hop + samples
        begins.append(clock[:-1] / rate)
        ends.append(clock[1:] / rate)
        silence = round(row.pause * rate) if number < len(script.rows) - 1 else 0
        heard = softened(said.samples, rate) if voice.manner.lead else said.samples
        parts += [heard.numpy(), np.zeros(silence, dtype=np.float32)]
        samples += len(said.samples) + silence
    pcm = np.concatenate(parts)
    if np.isfinite(pcm).all():  # else it must be seen to be no speech
        pcm = pcm.clip(-1.0, 1.0)
    begin, end = np.concatenate(begins), np.concatenate(ends)
    words = tuple(
        Word(text=word.text, start=float(begin[word.first]), end=float(end[word.last - 1]), offset=word.offset) for word in script.words
    )
    pauses = [row.pause for row in script.rows[:-1]]
    bounds = voice.pace.bounds([len(said.frames) for said in spoken], pauses, passage.speed)
    return Speech(pcm=pcm, sample_rate=rate, words=words, bounds=bounds)


def _check_match(config: VoiceConfig, model: Vits, files: dict[str, Path]) -> None:
    """A voice's two files must be of the same voice, as far as they can tell."""
    highest = max(number for numbers in config.phoneme_ids.values() for number in numbers)
    lowest = min(number for numbers in config.phoneme_ids.values() for number in numbers)
    if lowest < 0 or highest >= model.arch.symbols:
        defect = f"numbers phonemes up to {highest}, and {files['model'].name} knows {model.arch.symbols}"
    elif config.speakers != model.arch.speakers:
        defect = f"tells of {config.speakers} speakers, and {files['model'].name} has {model.arch.speakers}"
    else:
        return
    raise BrokenVoice(f"{files['config']} {defect}: the two files are not of the same voice", file=files["config"].name)


def _speaker(voice: Voice, config: VoiceConfig) -> int:
    """The speaker that the manifest's options name, by name or number; else the voice's own default."""
    chosen = voice.options.get("speaker", config.default_speaker)
    number = config.speaker_ids.get(str(chosen), chosen)
    if not isinstance(number, int) or not 0 <= number < config.speakers:
        names = ", ".join(list(config.speaker_ids)[:5]) or "none"
        raise BrokenManifest(
            f"voice {voice.name!r} has no speaker {chosen!r}; it has {config.speakers}, numbered from 0 (names: {names})", voice=voice.name
        )
    return number


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…")
