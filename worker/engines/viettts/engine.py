"""The engine protocol for VietTTS (CosyVoice, Du et al. 2024, arXiv 2407.05407, trained on Vietnamese): a recording's voice says any text.

    text → rows of ids (script.py) → language model → flow → vocoder → samples

A voice is what two ONNX networks hear in a few seconds of a recording, and its forms for the language model and the flow: half a megabyte
of tensors, made once for all processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loa.audio import Word
from loa.engine_files import EngineFiles
from loa.engines import ENGINES
from loa.errors import BrokenManifest, LoaError, Unspeakable
from loa.plan import estimate
from loa.settings import Settings
from loa.text import speakable
from loa.voices import Voice
from worker.engines.base import Bounds, Passage, Speech, VoiceState
from worker.engines.noise import row_seed
from worker.engines.viettts.flow import Prompt
from worker.engines.viettts.frontend import Frontend
from worker.engines.viettts.model import Line, Model, Timbre
from worker.engines.viettts.precision import Precision
from worker.engines.viettts.prompt import make_prompt, read_prompt
from worker.engines.viettts.script import Row, rows, words
from worker.engines.viettts.tokenizer import Tokenizer

# Seconds of compute for a second of audio, on slow hardware of each kind: only until the worker has measured its own.
REAL_TIME_FACTORS = {"cpu": 10.0, "cuda": 0.1}
EXCERPT = 80  # characters of a passage that an error quotes
# What a row may take, as shares of the estimate by its letters: voices and moods differ, and a language model that does not find the end
# goes on to about three times the estimate.
SHORTEST, LONGEST, GRACE = 0.3, 3.0, 0.5  # the last in seconds: a word alone takes its time
MOST_SILENCE = 1.5  # seconds within a row
TENSORS = frozenset({"embedding", "prompt_tokens", "prompt_mel", "language_model_speaker", "flow_speaker"})
WEIGHTS = "weights"  # the fact that says which files a voice was made with


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a pass is warmed for."""

    rows: int
    ids: int  # of each row
    tokens: int  # 25 a second


# A CPU compiles nothing: one short pass allocates what there is to allocate. A GPU chooses kernels by shape: sentences of 2, 4 and 8 s.
SHAPES = {
    "cpu": (Shape(rows=1, ids=8, tokens=12),),
    "cuda": tuple(Shape(rows=rows, ids=30, tokens=tokens) for tokens in (100, 50, 200) for rows in (1, 4, 16)),
}


class Engine:
    """One model on one device."""

    name = "viettts"
    sound_version = ENGINES["viettts"].sound_version
    keeps_voices = True  # hearing a recording takes seconds and half a gigabyte of networks

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self._tokenizer = Tokenizer()

    def load(self, device: torch.device, settings: Settings) -> None:
        self.open(EngineFiles.of(self.name, settings), device, Precision.chosen(settings.viettts_precision, device))

    def open(self, files: EngineFiles, device: torch.device, precision: Precision) -> None:
        """Load the model from any folder. Raises EngineNotInstalled, BrokenEngine, StartFailed."""
        if device.type == "cuda":
            # Rounded to TF32, a token that is nearly another one depends on the device.
            torch.backends.cuda.matmul.fp32_precision = "ieee"
            torch.backends.cudnn.conv.fp32_precision = "ieee"
        self.device = device
        self.model = Model.load(files, device, precision)
        paths, flow = files.paths(), self.model.architecture.flow
        self.frontend = Frontend(
            paths["speaker_encoder"], paths["speech_tokenizer"], speaker_size=flow.speaker_size, vocabulary=flow.vocabulary
        )
        self._weights = files.fingerprint()

    def make_voice(self, voice: Voice, files: dict[str, Path]) -> VoiceState:
        """The fingerprint is left empty: the voice cache knows it from the registry."""
        if "prompt" not in files:
            raise BrokenManifest(f"the manifest of voice {voice.name!r} names no file with the role 'prompt'", voice=voice.name)
        recording = read_prompt(files["prompt"])
        with self.frontend:
            heard = make_prompt(recording, self.frontend)
        tensors = {**heard, **self.model.timbre_tensors(heard["embedding"])}
        return self._state(voice, tensors, {WEIGHTS: self._weights, "language": voice.language})

    def voice_of(self, voice: Voice, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> VoiceState:
        if facts[WEIGHTS] != self._weights:
            raise ValueError("it was made with other weights of the engine")
        if tensors.keys() != TENSORS:
            raise ValueError(f"it has the tensors {', '.join(sorted(tensors))}")
        return self._state(voice, tensors, facts)

    def estimate(self, audio_seconds: float) -> float:
        return audio_seconds * REAL_TIME_FACTORS.get(self.device.type, REAL_TIME_FACTORS["cpu"])

    def warm_shapes(self) -> Sequence[Shape]:
        return SHAPES.get(self.device.type, SHAPES["cpu"])

    def warm(self, voice: VoiceState, shape: Shape) -> None:
        lines = [Line(ids=(0,) * shape.ids, timbre=voice.module, seed=row) for row in range(shape.rows)]
        self.model.speak(lines, tokens=shape.tokens)

    def synthesize(self, passages: Sequence[Passage]) -> list[Speech | LoaError]:
        scripts: list[tuple[Row, ...] | LoaError] = [self._script(passage) for passage in passages]
        lines = [
            Line(ids=row.ids, timbre=passage.voice.module, seed=row_seed(passage.seed, number), speed=passage.speed)
            for passage, script in zip(passages, scripts, strict=True)
            if not isinstance(script, LoaError)
            for number, row in enumerate(script)
        ]
        samples = iter(self.model.speak(lines) if lines else ())
        return [
            script if isinstance(script, LoaError) else self._join(passage, script, [next(samples).numpy() for _ in script])
            for passage, script in zip(passages, scripts, strict=True)
        ]

    def _script(self, passage: Passage) -> tuple[Row, ...] | LoaError:
        if not speakable(passage.text):
            excerpt = passage.text[:EXCERPT]
            return Unspeakable(f"voice {passage.voice.name!r} finds nothing to say in {excerpt!r}", text=excerpt)
        return rows(passage.text, passage.voice.facts["language"], self._tokenizer)

    def _join(self, passage: Passage, script: Sequence[Row], spoken: Sequence[np.ndarray]) -> Speech:
        """A passage's rows, one after the other with the silence between, and its words' times."""
        rate = self.model.architecture.sample_rate
        parts: list[np.ndarray] = []
        timed: list[Word] = []
        at = 0
        for row, samples in zip(script, spoken, strict=True):
            timed += words(row, at / rate, len(samples) / rate)
            silence = np.zeros(0 if row is script[-1] else round(row.pause * rate), dtype=np.float32)
            parts += [samples, silence]
            at += len(samples) + len(silence)
        return Speech(pcm=np.concatenate(parts), sample_rate=rate, words=tuple(timed), bounds=_bounds(passage, script))

    def _state(self, voice: Voice, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> VoiceState:
        """Tensors from the CPU, on the device."""
        placed = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        model = self.model.architecture.language_model
        if placed["language_model_speaker"].shape != (model.size,) or placed["embedding"].shape != (model.speaker_size,):
            raise ValueError("its tensors are of another model")
        timbre = Timbre(
            language_model=placed["language_model_speaker"].to(self.model.language_model.llm_embedding.weight.dtype),
            flow=placed["flow_speaker"],
            prompt=Prompt(tokens=placed["prompt_tokens"], mel=placed["prompt_mel"]),
        )
        return VoiceState(name=voice.name, fingerprint="", tensors=placed, facts=facts, module=timbre)


def _bounds(passage: Passage, script: Sequence[Row]) -> Bounds:
    """By the letters of each row, and the silence between them, which is exact."""
    language = passage.voice.facts["language"]
    speech = sum(estimate(row.text, language, passage.speed) for row in script)
    pauses = [row.pause for row in script[:-1]]
    return Bounds(
        least=SHORTEST * speech + sum(pauses),
        most=LONGEST * speech + GRACE / passage.speed * len(script) + sum(pauses),
        pause=MOST_SILENCE / passage.speed + max(pauses, default=0.0),
    )
