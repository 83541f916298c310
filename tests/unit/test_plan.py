"""Segments: short text is one, long text is many, and the address changes with whatever can be heard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loa.errors import EmptyText, UnknownEngine
from loa.idempotency import request_hash
from loa.plan import Segment, address, estimate
from loa.plan.cast import Cast, Part
from loa.plan.planning import SHORT_TEXT, plan_text
from loa.settings import Settings
from loa.voices import Voice, VoiceRegistry

PRINT = "ab" * 32


@pytest.fixture(scope="module")
def voices() -> dict[str, Voice]:
    return VoiceRegistry(Settings.load({}, data_dir="/nonexistent", voices=str(Path(__file__).parent.parent / "voices"))).all()


def alone(voice: Voice) -> Cast:
    return Cast(main=Part(voice=voice, fingerprint=PRINT))


def test_text_up_to_the_limit_is_one_segment(voices: dict[str, Voice]) -> None:
    text = "One. Two.\n\nThree. " + "x" * (SHORT_TEXT - 18)
    (segment,) = plan_text(text, cast=alone(voices["sine"])).segments
    assert (segment.text, segment.index, segment.pause) == (text, 0, 0.0)


def test_longer_text_is_cut_into_numbered_segments(voices: dict[str, Voice]) -> None:
    text = "This is a sentence of some forty characters. " * 20
    segments = plan_text(text + "\n\nThe end.", cast=alone(voices["joe"])).segments
    assert [segment.index for segment in segments] == list(range(len(segments)))
    assert len(segments) == 21
    assert len({segment.address for segment in segments}) == 2  # the same sentence is spoken once
    assert segments[-2].pause > segments[0].pause > segments[-1].pause == 0.0


def test_segments_survive_json(voices: dict[str, Voice]) -> None:
    (segment,) = plan_text("Xin chào — “Loa”.", cast=alone(voices["joe"]), speed=1.5).segments
    assert Segment.from_json(json.loads(json.dumps(segment.to_json()))) == segment


def test_the_address_depends_on_all_that_is_heard_and_on_nothing_else() -> None:
    base = {"engine": "vits", "sound_version": 1, "fingerprint": PRINT, "speed": 1.0, "text": "Hi.", "language": "en-US"}
    changed = {"engine": "sine", "sound_version": 2, "fingerprint": "cd" * 32, "speed": 1.1, "text": "Ho.", "language": "vi-VN"}
    addresses = {address(**(base | {name: value})) for name, value in changed.items()} | {address(**base)}
    assert len(addresses) == len(base) + 1
    assert address(**(base | {"speed": 1})) == address(**base)
    # Written down once: a change of this value silently throws every user's stored segments away.
    assert address(**base) == "b982b5a0b3855de0ec4b7e94717b1546cd402b70bc979d5c30322060fdf38b64"


def test_nothing_speakable_is_refused(voices: dict[str, Voice]) -> None:
    with pytest.raises(EmptyText):
        plan_text(" … \u200b\x00", cast=alone(voices["sine"]))


def test_a_voice_without_engine_cannot_be_planned(voices: dict[str, Voice]) -> None:
    other = Voice(name="x", title="X", engine="gramophone", language="en-US", licence="CC0", commercial_use=True)
    with pytest.raises(UnknownEngine, match="gramophone"):
        plan_text("Hello.", cast=alone(other))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [  # as joe spoke them, without the pauses between sentences
        ("Hello there.", 0.81),
        ("She opened the letter and read it twice before she answered.", 3.03),
        ("In 1999 the company sold 1,250 machines for $3.5 million, which was more than anyone had expected.", 8.46),
        (
            "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.",
            6.46,
        ),
    ],
)
def test_the_estimate_is_within_a_quarter_of_what_joe_speaks(text: str, seconds: float) -> None:
    assert estimate(text, "en-US") == pytest.approx(seconds, rel=0.25)
    assert estimate(text, "en-US", 2.0) == pytest.approx(seconds / 2, rel=0.25)


def test_equal_requests_have_equal_hashes() -> None:
    request = {"input": "Hi", "speed": 1.0, "metadata": {"a": [1, 2], "b": None}}
    same = {"metadata": {"b": None, "a": [1.0, 2]}, "speed": 1, "input": "Hi"}
    assert request_hash(request) == request_hash(same)
    others = [
        request | {"input": "hi"},
        request | {"speed": 1.1},
        request | {"metadata": {"a": [2, 1], "b": None}},
        request | {"speed": True},
    ]
    assert len({request_hash(other) for other in [request, *others]} | {request_hash(request, "ab" * 32)}) == 6
    assert len(request_hash({"input": "\ud800"})) == 64  # a lone surrogate in metadata must not crash the hash
