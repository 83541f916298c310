"""What a Piper voice holds for possible of a row, and what `joe` makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engines import tiny_voice
from worker.engines.base import Passage, Speech, VoiceState
from worker.engines.vits import Engine
from worker.engines.vits.engine import LEAD
from worker.engines.vits.pace import AN_ID, LOUDEST_EDGE, OPENING, ROUNDING, Pace
from worker.plausibility import defect

FRAME = 256 / 22050
TEXTS = (
    "No.",
    "Why?",
    "of",
    "1984.",
    "See the sign.",
    "Such a thing as an echo!",
    "Call me Ishmael.",
    "4,183,902 souls.",
    "Nam Sibyllam quidem Cumis ego ipse oculis meis vidi.",
    "He said: wait; then, slowly, he turned, looked back, and left.",
    "It was the best of times, it was the worst of times. It was the age of wisdom. Was it? It was the age of foolishness!",
)


@pytest.fixture(scope="module")
def speaking_joe(vits: Engine, joe_files: dict[str, Path]) -> VoiceState:
    """With its noise."""
    return vits.make_voice(tiny_voice.voice("joe"), joe_files)


def test_the_pace_of_joe_is_the_usual_one(speaking_joe: VoiceState) -> None:
    pace = speaking_joe.module.pace
    assert pace.factor == pytest.approx(1.0, abs=0.05)
    assert (pace.frame, pace.lead) == (FRAME, LEAD)


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_joe_is_always_within_what_is_expected_of_it(vits: Engine, speaking_joe: VoiceState, speed: float) -> None:
    spoken = vits.synthesize([Passage(text=text, voice=speaking_joe, speed=speed, seed=7) for text in TEXTS])
    for text, speech in zip(TEXTS, spoken, strict=True):
        assert isinstance(speech, Speech)
        assert defect(speech) == "", text
        assert 1.3 * speech.bounds.least < speech.seconds < speech.bounds.most / 1.2, text


def test_what_is_lost_or_said_twice_is_seen(vits: Engine, speaking_joe: VoiceState) -> None:
    (speech,) = vits.synthesize([Passage(text=TEXTS[-1], voice=speaking_joe, seed=1)])
    assert isinstance(speech, Speech)
    pcm, rate = speech.pcm, speech.sample_rate
    loud = int(np.argmax(np.abs(pcm)))
    mute = pcm.copy()
    mute[rate : 3 * rate] = 0
    for wrong, words in (
        (np.concatenate([pcm, pcm]), "it takes"),
        (pcm[: len(pcm) // 3], "it takes"),
        (pcm[:loud] if loud > len(pcm) // 2 else pcm[loud:], "in the middle of a sound"),
        (mute, "it is silent for"),
        (pcm * 30, "clipped"),
    ):
        changed = Speech(pcm=np.ascontiguousarray(wrong), sample_rate=rate, words=(), bounds=speech.bounds)
        assert words in defect(changed)


def test_no_sentence_begins_in_the_middle_of_its_first_sound(vits: Engine, speaking_joe: VoiceState) -> None:
    texts = [f"{word} it was." for word in ("See", "Such", "Still", "Seven", "She", "Sixty", "Section", "Shall")]
    for speech in vits.synthesize([Passage(text=text, voice=speaking_joe, seed=seed) for seed, text in enumerate(texts)]):
        assert isinstance(speech, Speech)
        edges = [speech.pcm[: speech.sample_rate // 200], speech.pcm[-speech.sample_rate // 200 :]]
        loudness = np.sqrt(np.mean(np.square(speech.pcm)))
        assert all(np.sqrt(np.mean(np.square(edge))) < LOUDEST_EDGE / 3 * loudness for edge in edges)
        assert abs(speech.pcm[0]) < 1e-3
        assert abs(speech.pcm[-1]) < 1e-3


def test_a_slower_voice_may_take_longer() -> None:
    ids = [40, 160]
    usual = [round((OPENING + count * AN_ID) / FRAME + ROUNDING * count) for count in ids]
    joe = Pace.measured(ids, usual, FRAME, LEAD)
    slow = Pace.measured(ids, [2 * frames for frames in usual], FRAME, LEAD)
    assert joe.factor == pytest.approx(1.0, abs=0.01)
    assert slow.factor > 2
    one, other = joe.bounds([100], [], 1.0), slow.bounds([100], [], 1.0)
    assert one.least < other.least < one.most < other.most


def test_pauses_between_rows_are_exact() -> None:
    pace = Pace(factor=1.0, frame=FRAME, lead=LEAD)
    plain, paused = pace.bounds([50, 50], [0.0], 1.0), pace.bounds([50, 50], [0.6], 1.0)
    assert paused.least - plain.least == pytest.approx(0.6)
    assert paused.most - plain.most == pytest.approx(0.6)
    assert paused.pause - plain.pause == pytest.approx(0.6)


def test_of_a_voice_that_reads_no_numbers_every_length_is_possible() -> None:
    bounds = Pace.measured([], [], FRAME, LEAD).bounds([50], [], 1.0)
    assert (bounds.least, bounds.most) == (0.0, float("inf"))
    assert bounds.pause < 2
