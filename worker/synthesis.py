"""One batch through an engine, whatever goes wrong: the passage to blame fails alone, a device without memory gets smaller batches."""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence

import torch

from loa.errors import LoaError, OutOfMemory, SynthesisFailed
from worker.engines.base import Engine, Passage, Speech

log = logging.getLogger(__name__)

Outcome = Speech | LoaError


class DeviceLost(Exception):
    """The CUDA context is broken: nothing works in this process any more."""


def speak(engine: Engine, passages: Sequence[Passage]) -> list[Outcome]:
    """What became of each passage, in order. Raises DeviceLost."""
    try:
        outcomes: list[Outcome] = engine.synthesize(passages)
    except Exception as error:
        if _device_lost(engine.device, error):
            raise DeviceLost(str(error)) from error
        return _retry(engine, passages, error)
    if len(outcomes) != len(passages):
        return _retry(engine, passages, SynthesisFailed(f"the engine answered {len(outcomes)} of {len(passages)} passages"))
    return outcomes


def _retry(engine: Engine, passages: Sequence[Passage], error: Exception) -> list[Outcome]:
    memory = out_of_memory(error)
    if len(passages) == 1:
        log.error("a passage of %d characters failed: %r", len(passages[0].text), passages[0].text[:80], exc_info=error)
        if isinstance(error, LoaError):
            return [error]
        return [OutOfMemory(f"{engine.device} has not enough memory for one passage") if memory else SynthesisFailed(_first_line(error))]
    if memory:
        log.warning("%s has not enough memory for %d passages; they are halved", engine.device, len(passages))
        _release_memory(engine.device)
        half = (len(passages) + 1) // 2
        return speak(engine, passages[:half]) + speak(engine, passages[half:])
    log.warning("a batch of %d failed (%s); each passage is tried alone", len(passages), _first_line(error))
    return [outcome for passage in passages for outcome in speak(engine, [passage])]


def out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    # The CPU's allocator has no class of its own.
    return isinstance(error, RuntimeError) and any(words in str(error) for words in ("can't allocate memory", "out of memory"))


def _device_lost(device: torch.device, error: Exception) -> bool:
    """Whether CUDA is broken for good: then every later call fails as well, this one too."""
    if device.type != "cuda" or isinstance(error, LoaError | torch.cuda.OutOfMemoryError):
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False


def _release_memory(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
