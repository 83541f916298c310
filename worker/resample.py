"""Resampling, by torchaudio.

torchaudio's wheel contains a native library that loads only beside a matching CUDA build of torch. Its resampler is plain Python and
needs none of it, so where the library cannot load, an empty stand-in takes the place of the module that loads it. Everything else of
torchaudio that Loa uses is plain Python, too.
"""

from __future__ import annotations

import importlib.machinery
import logging
import sys
from functools import cache
from types import ModuleType

import numpy as np
import torch

LOADER = "torchaudio._extension"
# A wider filter than torchaudio's default of 6 zero crossings, so that less is cut off near the highest frequencies and less folds back.
# These are the numbers that torchaudio's documentation gives for resampy's "kaiser_best": what folds back lies below 16 bits.
QUALITY = {"lowpass_filter_width": 64, "rolloff": 0.9475937167399596, "resampling_method": "sinc_interp_kaiser", "beta": 14.769656459379492}

log = logging.getLogger(__name__)


def resample(pcm: np.ndarray, rate: int, target: int) -> np.ndarray:
    """float32 samples [n] at `rate` Hz → [ceil(n · target / rate)] at `target` Hz."""
    if rate == target or len(pcm) == 0:
        return pcm
    functional = torchaudio().functional
    with torch.inference_mode():
        return functional.resample(torch.from_numpy(np.ascontiguousarray(pcm)), rate, target, **QUALITY).numpy()


@cache
def torchaudio() -> ModuleType:
    """The module torchaudio, with its native library where that loads."""
    try:
        import torchaudio as module
    except (ImportError, OSError) as error:
        log.info("torchaudio's native library does not load (%s); its Python code is used without", error)
        for name in [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]:
            del sys.modules[name]  # half imported
        sys.modules[LOADER] = _stand_in()
        import torchaudio as module
    import torchaudio.functional

    return module


def _stand_in() -> ModuleType:
    """What torchaudio asks of its loader, when there is nothing to load."""

    def fail_if_no_align(function: object) -> object:
        return function  # decorates one function of torchaudio that needs the library and that Loa does not call

    module = ModuleType(LOADER)
    module.__spec__ = importlib.machinery.ModuleSpec(LOADER, loader=None)
    module._IS_TORCHAUDIO_EXT_AVAILABLE = False
    module._IS_ALIGN_AVAILABLE = False
    module.fail_if_no_align = fail_if_no_align
    return module
