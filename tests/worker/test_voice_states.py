"""Voices that are costly to make are made once: kept in the artifact store, taken from there, made anew when what is there is damaged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from loa.artifacts import Artifacts
from loa.errors import BrokenVoice, OutOfMemory, StorageFull, StorageUnavailable, VoiceChanged
from loa.recordings import state_path
from loa.voices import Voice
from worker.engines.base import VoiceState
from worker.voice_loader import VoiceLoader
from worker.voice_states import VoiceStates, pack, unpack

FINGERPRINT = "f" * 64
PATH = state_path("costly", 3, FINGERPRINT)


def voice(name: str = "anna") -> Voice:
    return Voice(name=name, title=name, engine="costly", language="vi-VN", licence="CC0", commercial_use=True)


class Costly:
    """An engine whose voices take long to make, of one process; `made` tells how many it made itself."""

    name, sound_version, keeps_voices = "costly", 3, True

    def __init__(self, *, keeps_voices: bool = True, error: Exception | None = None) -> None:
        self.keeps_voices, self.error = keeps_voices, error
        self.device = torch.device("cpu")
        self.made: list[str] = []
        self.taken: list[str] = []

    def make_voice(self, voice: Voice, files: dict[str, Path]) -> VoiceState:
        if self.error:
            raise self.error
        self.made.append(voice.name)
        tensors = {
            "embedding": torch.arange(192, dtype=torch.float32),
            "tokens": torch.arange(75)[None],
            "mel": torch.full((1, 258, 80), 0.5, dtype=torch.float16)[:, ::2],  # not contiguous
            "warm": torch.tensor(True),
            "none": torch.zeros(0),
        }
        tensors["again"] = tensors["embedding"]  # shares its memory
        return self.voice_of(voice, tensors, {"sample_rate": 22050, "title": "Tiếng Việt"})

    def voice_of(self, voice: Voice, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> VoiceState:
        self.taken.append(voice.name)
        return VoiceState(
            name=voice.name, fingerprint="", tensors=tensors, facts=facts, module={"rate": facts["sample_rate"], "first": tensors["tokens"]}
        )


class Registry:
    """Voices that the test has, with a recording each."""

    def __init__(self, *voices: Voice) -> None:
        self.voices = {voice.name: voice for voice in voices}
        self.fetched: list[str] = []
        self.gone = False

    def pinned(self, name: str, fingerprint: str, owner: str) -> Voice:
        assert fingerprint == FINGERPRINT
        return self.voices[name]

    def removed(self, voice: Voice) -> bool:
        return self.gone

    def files(self, voice: Voice) -> dict[str, Path]:
        self.fetched.append(voice.name)
        return {"prompt": Path("prompt.wav")}


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path / "artifacts"))


@pytest.fixture
def registry() -> Registry:
    return Registry(voice())


def process(engine: Costly, registry: Registry, artifacts: Artifacts | None) -> VoiceLoader:
    """The loader of a process that has this engine."""
    states = VoiceStates(artifacts) if artifacts else None
    return VoiceLoader(registry, {"costly": engine}, engine.device, states)  # type: ignore[arg-type]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_tensors_and_facts_come_back_as_they_were() -> None:
    state = Costly().make_voice(voice(), {})
    tensors, facts = unpack(pack(state))
    assert facts == state.facts
    assert set(tensors) == set(state.tensors)
    for name, tensor in state.tensors.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor), name


def test_the_same_voice_is_the_same_bytes() -> None:
    assert len({pack(Costly().make_voice(voice(), {})) for _ in range(8)}) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:7],
        lambda content: content[:100],
        lambda content: content[:-1],
        lambda content: content + b"!",
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: content.replace(b"facts", b"facta"),
        lambda content: content.replace(b"voice", b"vioce"),
    ],
)
def test_a_file_that_is_none_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="no safetensors file with facts"):
        unpack(damage(pack(Costly().make_voice(voice(), {}))))


@pytest.mark.parametrize("place", [-1, -1000, -20_000])
def test_one_wrong_bit_is_noticed(place: int) -> None:
    content = bytearray(pack(Costly().make_voice(voice(), {})))
    content[place] ^= 1
    with pytest.raises(ValueError, match="not those that were written"):
        unpack(bytes(content))


# --- processes ----------------------------------------------------------------------------------------------------------


def test_a_second_process_makes_no_voice_anew_and_needs_no_recording(artifacts: Artifacts, registry: Registry) -> None:
    first, second = Costly(), Costly()
    made = process(first, registry, artifacts)("anna", FINGERPRINT)
    assert (first.made, registry.fetched) == (["anna"], ["anna"])
    assert artifacts.exists(PATH)
    taken = process(second, registry, artifacts)("anna", FINGERPRINT)
    assert (second.made, second.taken, registry.fetched) == ([], ["anna"], ["anna"])
    assert torch.equal(taken.tensors["mel"], made.tensors["mel"])
    assert taken.module["rate"] == 22050


def test_one_recording_under_two_names_is_made_once(artifacts: Artifacts) -> None:
    engine = Costly()
    load = process(engine, Registry(voice(), voice("berta")), artifacts)
    load("anna", FINGERPRINT)
    assert load("berta", FINGERPRINT).name == "berta"
    assert engine.made == ["anna"]


def test_the_first_writer_wins(artifacts: Artifacts, registry: Registry) -> None:
    engine = Costly()
    state = engine.make_voice(voice(), {})
    VoiceStates(artifacts).keep(engine, state, FINGERPRINT)
    before = artifacts.read(PATH)
    other = dataclasses.replace(state, facts={"sample_rate": 1})
    VoiceStates(artifacts).keep(engine, other, FINGERPRINT)
    assert artifacts.read(PATH) == before


@pytest.mark.parametrize("content", [b"", b"damaged", None, "unusable"], ids=["empty", "nonsense", "one bit", "of another layout"])
def test_a_damaged_file_is_told_removed_and_made_anew(
    artifacts: Artifacts, registry: Registry, caplog: pytest.LogCaptureFixture, content: bytes | str | None
) -> None:
    whole = pack(Costly().make_voice(voice(), {}))
    if content is None:
        content = whole[:-1] + bytes([whole[-1] ^ 1])
    elif content == "unusable":
        content = pack(VoiceState(name="anna", fingerprint="", tensors={"other": torch.ones(1)}, facts={"sample_rate": 1}))
    assert isinstance(content, bytes)
    artifacts.write(PATH, content)
    engine = Costly()
    process(engine, registry, artifacts)("anna", FINGERPRINT)
    assert engine.made == ["anna"]
    assert f"{PATH} is damaged and removed" in caplog.text
    assert artifacts.read(PATH) == whole


@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("error", [StorageUnavailable("s3://loa cannot be used"), StorageFull("the disk is full")])
def test_a_store_that_cannot_be_used_costs_only_time(
    artifacts: Artifacts,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    operation: str,
    error: Exception,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(artifacts, operation, fail)
    engine = Costly()
    assert process(engine, registry, artifacts)("anna", FINGERPRINT).name == "anna"
    assert engine.made == ["anna"]
    assert "made anew" in caplog.text or "makes it anew" in caplog.text


@pytest.mark.parametrize(("keeps_voices", "warm"), [(False, True), (True, False)])
def test_nothing_is_kept_where_nothing_shall_be(artifacts: Artifacts, registry: Registry, keeps_voices: bool, warm: bool) -> None:
    """Engines whose voices cost nothing, and a worker that measures what set-up costs (LOA_WARM=false)."""
    for _ in range(2):
        engine = Costly(keeps_voices=keeps_voices)
        process(engine, registry, artifacts if warm else None)("anna", FINGERPRINT)
        assert engine.made == ["anna"]
    assert list(artifacts.walk()) == []


def test_nothing_is_kept_of_a_voice_that_was_removed_while_it_was_made(artifacts: Artifacts, registry: Registry) -> None:
    registry.gone = True
    with pytest.raises(VoiceChanged, match="was removed"):
        process(Costly(), registry, artifacts)("anna", FINGERPRINT)
    assert not artifacts.exists(PATH)


# --- what cannot be loaded ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ValueError("no such layer"), BrokenVoice, "cannot be loaded: ValueError: no such layer"),
        (MemoryError(), OutOfMemory, "cpu has not enough memory for voice 'anna'"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), OutOfMemory, "not enough memory"),
        (BrokenVoice("prompt.wav is silent"), BrokenVoice, "prompt.wav is silent"),
    ],
)
def test_a_voice_that_cannot_be_made_says_why(
    artifacts: Artifacts, registry: Registry, error: Exception, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        process(Costly(error=error), registry, artifacts)("anna", FINGERPRINT)
    assert not artifacts.exists(PATH)


def test_a_kept_voice_for_which_there_is_no_memory_stays_kept(
    artifacts: Artifacts, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Costly()
    process(engine, registry, artifacts)("anna", FINGERPRINT)

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(engine, "voice_of", full)
    with pytest.raises(OutOfMemory):
        process(engine, registry, artifacts)("anna", FINGERPRINT)
    assert artifacts.exists(PATH)
