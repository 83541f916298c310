"""The three networks in a row, for lines of any voices and lengths: ids → speech tokens → mel → samples.

Everything that chance contributes to a line comes from its own CPU generator, in a fixed order (tokens, the flow's noise, the vocoder's
phases and noise) and at the line's own length: what a line sounds like depends on nothing beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch

from loa.engine_files import EngineFiles
from worker.engines.edges import softened
from worker.engines.viettts.architecture import Architecture
from worker.engines.viettts.config import read_config
from worker.engines.viettts.flow import Flow, Prompt
from worker.engines.viettts.hift import Vocoder, paced
from worker.engines.viettts.language_model import REACH, LanguageModel
from worker.engines.viettts.precision import Precision
from worker.engines.viettts.source import draw
from worker.engines.viettts.weights import load_flow, load_language_model, load_vocoder

# Lines that go through the flow and the vocoder together. One keeps all cores of a CPU busy, and is not padded; for a GPU, 16 lines with
# their prompts are some 16,000 frames twice, which fills it, and attention over them takes a few GB.
TOGETHER = {"cpu": 1, "cuda": 16}


@dataclass(frozen=True, kw_only=True)
class Timbre:
    """What the model needs to know of a voice, on the model's device. S channels of a speaker, C of the language model, M mel bands."""

    language_model: torch.Tensor  # [C]
    flow: torch.Tensor  # [M]
    prompt: Prompt


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a passage."""

    ids: Sequence[int]
    timbre: Timbre
    seed: int
    speed: float = 1.0  # 2.0: twice as fast


class Model:
    """On one device. All methods run without gradients."""

    def __init__(
        self, architecture: Architecture, language_model: LanguageModel, flow: Flow, vocoder: Vocoder, precision: Precision
    ) -> None:
        self.architecture, self.precision = architecture, precision
        self.language_model, self.flow, self.vocoder = language_model, flow, vocoder
        self.device = vocoder.conv_pre.weight.device
        # Whoever wants to know what each network costs puts a dict here. Counting waits for the device, which no job must pay for.
        self.seconds: dict[str, float] | None = None

    @classmethod
    def load(cls, files: EngineFiles, device: torch.device, precision: Precision) -> Self:
        """Read the weights, and compare a lower precision with float32. Raises EngineNotInstalled, BrokenEngine, StartFailed."""
        paths = files.paths()
        architecture = read_config(paths["config"])
        language_model = load_language_model(paths["language_model"], architecture.language_model, device)
        flow = load_flow(paths["flow"], architecture.flow, device)
        vocoder = load_vocoder(paths["vocoder"], architecture.vocoder, device)
        language_model = precision.applied(language_model)
        language_model.prepare()
        flow.encoder.prepare(REACH)  # a table that grows inside a job would be set-up
        precision.check(flow)
        return cls(architecture, language_model, flow, vocoder, precision)

    @torch.inference_mode()
    def timbre_tensors(self, embedding: torch.Tensor) -> dict[str, torch.Tensor]:
        """A speaker's embedding [S] → its forms for the language model [C] and for the flow [M], float32 on the CPU."""
        one = embedding.to(self.device).unsqueeze(0)
        return {
            "language_model_speaker": self.language_model.speaker(one)[0].float().cpu(),
            "flow_speaker": self.flow.speaker(one)[0].float().cpu(),
        }

    @torch.inference_mode()
    def speak(self, lines: Sequence[Line], *, tokens: int | None = None) -> list[torch.Tensor]:
        """The samples of each line [T], float32 on the CPU. tokens: so many speech tokens for every line, whatever the model says.

        Raises SynthesisFailed when the model's output is not a number.
        """
        generators = [torch.Generator().manual_seed(line.seed) for line in lines]
        with self._counted("language_model"):
            said = self.language_model.generate(
                [torch.tensor(line.ids, dtype=torch.long) for line in lines],
                torch.stack([line.timbre.language_model for line in lines]),
                generators,
                forced=tokens,
            )
        samples: list[torch.Tensor | None] = [None] * len(lines)
        for places in _groups([len(row) for row in said], TOGETHER.get(self.device.type, 1)):
            spoken = self._sound(
                [lines[place] for place in places], [said[place] for place in places], [generators[place] for place in places]
            )
            for place, row in zip(places, spoken, strict=True):
                samples[place] = softened(row, self.architecture.sample_rate).cpu()
        return [row for row in samples if row is not None]

    def _sound(self, lines: Sequence[Line], said: Sequence[torch.Tensor], generators: Sequence[torch.Generator]) -> list[torch.Tensor]:
        """Speech tokens of each line → its samples."""
        prompts = [line.timbre.prompt for line in lines]
        bands = self.architecture.flow.mels
        noise = [
            torch.randn(bands, len(prompt.mel) + self.flow.frames(len(row)), generator=generator).to(self.device)
            for prompt, row, generator in zip(prompts, said, generators, strict=True)
        ]
        with self._counted("flow"):
            mels = self.flow.mels(
                [row.to(self.device) for row in said],
                prompts,
                torch.stack([line.timbre.flow for line in lines]),
                noise,
                precision=self.precision.solver,
            )
        mels = [paced(mel, line.speed) for mel, line in zip(mels, lines, strict=True)]
        draws = [draw(self.architecture.vocoder, mel.shape[1], generator) for mel, generator in zip(mels, generators, strict=True)]
        with self._counted("vocoder"):
            return self.vocoder.speak(mels, draws)

    @contextmanager
    def _counted(self, network: str) -> Iterator[None]:
        if self.seconds is None:
            yield
            return
        self._await_device()
        began = time.perf_counter()
        yield
        self._await_device()
        self.seconds[network] = self.seconds.get(network, 0.0) + time.perf_counter() - began

    def _await_device(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _groups(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of lines that go together: the longest first, each group of neighbours in length."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    for first in range(0, len(order), most):
        yield order[first : first + most]
