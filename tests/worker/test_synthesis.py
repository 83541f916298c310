from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from loa.errors import LoaError, Unspeakable
from worker.engines.base import Passage, Speech, VoiceState
from worker.synthesis import DeviceLost, speak

VOICE = VoiceState(name="v", fingerprint="", tensors={}, facts={})


def passages(*texts: str) -> list[Passage]:
    return [Passage(text=text, voice=VOICE) for text in texts]


class Fake:
    """An engine with little memory and a dislike of some words."""

    device = torch.device("cpu")

    def __init__(self, memory: int = 99) -> None:
        self.memory = memory
        self.batches: list[int] = []

    def synthesize(self, batch: Sequence[Passage]) -> list[Speech | LoaError]:
        self.batches.append(len(batch))
        if len(batch) > self.memory:
            raise torch.cuda.OutOfMemoryError("no memory left")
        if any(passage.text == "raise" for passage in batch):
            raise RuntimeError("a kernel failed\nand more")
        if any(passage.text == "short" for passage in batch):
            return []
        return [Unspeakable("nothing to say") if one.text == "mute" else speech(one.text) for one in batch]


def speech(text: str) -> Speech:
    return Speech(pcm=np.full(len(text), 0.1, dtype=np.float32), sample_rate=100, words=())


def codes(outcomes: Sequence[Speech | LoaError]) -> list[str | int]:
    return [outcome.code if isinstance(outcome, LoaError) else len(outcome.pcm) for outcome in outcomes]


def test_a_batch_is_one_call() -> None:
    engine = Fake()
    assert codes(speak(engine, passages("a", "bb", "mute"))) == [1, 2, "unspeakable_text"]
    assert engine.batches == [3]


def test_the_passage_that_raises_fails_alone() -> None:
    engine = Fake()
    outcomes = speak(engine, passages("a", "raise", "ccc"))
    assert codes(outcomes) == [1, "synthesis_failed", 3]
    assert engine.batches == [3, 1, 1, 1]
    assert outcomes[1].message == "RuntimeError: a kernel failed"


def test_a_device_without_memory_gets_half() -> None:
    engine = Fake(memory=2)
    assert codes(speak(engine, passages("a", "bb", "ccc", "dddd", "eeeee"))) == [1, 2, 3, 4, 5]
    assert engine.batches == [5, 3, 2, 1, 2]


def test_no_memory_for_one_passage_fails_it() -> None:
    assert codes(speak(Fake(memory=0), passages("a", "bb"))) == ["out_of_memory", "out_of_memory"]


def test_an_engine_that_answers_too_little_fails_what_it_left_out() -> None:
    assert codes(speak(Fake(), passages("a", "short"))) == [1, "synthesis_failed"]


def test_a_lost_device_ends_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Fake()
    engine.device = torch.device("cuda:0")

    def broken(device: torch.device) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch.cuda, "synchronize", broken)
    with pytest.raises(DeviceLost):
        speak(engine, passages("raise", "b"))


def test_a_device_that_still_answers_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Fake()
    engine.device = torch.device("cuda:0")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    assert codes(speak(engine, passages("raise", "b"))) == ["synthesis_failed", 1]
