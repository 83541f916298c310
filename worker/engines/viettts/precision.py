"""How exactly VietTTS computes, and the proof at load that less is enough.

The reference as it ships runs its language model in float16 and the rest in float32; so does Loa on a GPU. On a CPU, which is slow in
float16, the language model's linear layers have float16 weights and all else is float32 (half.py), which is nearer to float32 than the
reference is; a CPU that cannot do that runs it in float32. Lower precisions have given NaN in relatives of this model: nothing below
float32 starts unless it stands a comparison with float32, and bfloat16 is an operator's choice (LOA_VIETTTS_PRECISION).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Self

import torch

from loa.errors import InvalidSetting, StartFailed
from worker.engines.viettts import half
from worker.engines.viettts.flow import Flow, Prompt
from worker.engines.viettts.language_model import LanguageModel

log = logging.getLogger(__name__)

CHOICES = ("reference", "float32", "bfloat16")  # of LOA_VIETTTS_PRECISION
WORST = 0.05  # relative error (L2) of what a lower precision makes of the same noise; bfloat16 has about 0.01
PROBE_TOKENS, PROBE_PROMPT = 40, 25  # 1.6 s after 1 s: long enough for all ten steps to add up their errors


@dataclass(frozen=True, kw_only=True)
class Precision:
    language_model: torch.dtype  # of its weights; float16 on a CPU is that of its linear layers' weights alone
    solver: torch.dtype | None  # of the flow's products; None: that of its weights, float32

    @classmethod
    def chosen(cls, name: str, device: torch.device) -> Self:
        """One of CHOICES, as LOA_VIETTTS_PRECISION names it, on a device. Raises InvalidSetting."""
        if name not in CHOICES:
            raise InvalidSetting(f"LOA_VIETTTS_PRECISION is {name!r}; it takes {', '.join(CHOICES)}")
        if name == "bfloat16":
            return cls(language_model=torch.bfloat16, solver=torch.bfloat16)
        if name == "float32":
            return cls(language_model=torch.float32, solver=None)
        if device.type == "cpu" and not half.supported():
            log.info("the language model runs in float32: this machine's PyTorch has no product of float16 weights (FBGEMM)")
            return cls(language_model=torch.float32, solver=None)
        return cls(language_model=torch.float16, solver=None)

    @torch.inference_mode()
    def applied(self, model: LanguageModel) -> LanguageModel:
        """The language model, which comes in float32, in this precision. Raises StartFailed when its logits then are others."""
        if self.language_model == torch.float32:
            return model
        exact = self._logits(model)
        if self.language_model == torch.float16 and exact.device.type == "cpu":
            try:
                half.pack(model)
            except OverflowError as error:
                raise _refused("the language model", self.language_model, math.inf) from error
        else:
            model = model.to(self.language_model)
        _compare("the language model", self.language_model, exact, self._logits(model))
        return model

    @torch.inference_mode()
    def check(self, flow: Flow) -> None:
        """Raises StartFailed when the flow's mel spectrogram is another in this precision."""
        if self.solver is None:
            return
        shape, device = flow.shape, flow.encoder_proj.weight.device
        draw = torch.Generator().manual_seed(0)
        frames, known = flow.frames(PROBE_TOKENS), flow.frames(PROBE_PROMPT)
        tokens = torch.randint(shape.vocabulary, (PROBE_PROMPT + PROBE_TOKENS,), generator=draw).to(device)
        prompt = Prompt(tokens=tokens[:PROBE_PROMPT], mel=torch.randn(known, shape.mels, generator=draw).to(device))
        speaker = flow.speaker(torch.randn(1, shape.speaker_size, generator=draw).to(device))
        noise = torch.randn(shape.mels, known + frames, generator=draw).to(device)
        exact, lower = (
            flow.mels([tokens[PROBE_PROMPT:]], [prompt], speaker, [noise], precision=precision)[0] for precision in (None, self.solver)
        )
        _compare("the flow", self.solver, exact, lower)

    @staticmethod
    def _logits(model: LanguageModel) -> torch.Tensor:
        shape, weight = model.shape, model.llm_embedding.weight
        draw = torch.Generator().manual_seed(0)
        text = torch.randint(shape.text_vocabulary, (PROBE_TOKENS,), generator=draw)
        speaker = model.speaker(torch.randn(1, shape.speaker_size, generator=draw).to(weight.device))
        logits, _ = model.begin([text], speaker)
        return logits.float()


def _compare(what: str, dtype: torch.dtype, exact: torch.Tensor, lower: torch.Tensor) -> None:
    error = float(torch.linalg.vector_norm(lower - exact) / torch.linalg.vector_norm(exact))
    if not error <= WORST:  # NaN is no number that is small enough
        raise _refused(what, dtype, error)
    log.info("%s runs in %s: off by %.5f of float32", what, name_of(dtype), error)


def _refused(what: str, dtype: torch.dtype, error: float) -> StartFailed:
    return StartFailed(
        f"{what} of VietTTS is off by {error:.3f} in {name_of(dtype)}, {WORST} at most is allowed; set LOA_VIETTTS_PRECISION=float32"
    )


def name_of(dtype: torch.dtype) -> str:
    """As people write it."""
    return str(dtype).removeprefix("torch.")
