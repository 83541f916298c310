"""Plans and segments as values: what is written is what is read, and what older versions wrote is read, too."""

from __future__ import annotations

import json

import pytest

from loa.plan import Origin, Plan, PlannedChapter, Segment

ADDRESS = "ab" * 32
PLAIN = Segment(index=0, text="Hello.", address=ADDRESS, audio_seconds=1.0, pause=0.25)
SAID = Segment(
    index=1,
    text="In 1999, at 5 km.",
    spoken="In nineteen ninety-nine, at five kilometres.",
    changes=((3, 7, 3, 23), (12, 16, 28, 43)),
    language="en",
    voice="joe",
    engine="vits",
    address=ADDRESS,
    audio_seconds=3.0,
)


def test_a_plan_survives_its_file() -> None:
    plan = Plan(
        segments=(PLAIN, SAID),
        chapters=(PlannedChapter(number=4, title="Loomings", first=0, count=2),),
        document=Origin(title="Moby-Dick", author="Herman Melville", language="en", omissions=("3 code blocks",)),
    )
    assert Plan.unpack(plan.pack()) == plan


def test_words_that_are_spoken_as_written_are_kept_once() -> None:
    assert PLAIN.to_json() == {"index": 0, "text": "Hello.", "address": ADDRESS, "audio_seconds": 1.0, "pause": 0.25}
    assert PLAIN.spoken == "Hello."


def test_a_plan_of_an_older_version_is_read() -> None:
    older = [{"index": 0, "text": "Hello.", "address": ADDRESS, "audio_seconds": 1.0, "pause": 0.25}]
    assert Plan.unpack(json.dumps(older).encode()) == Plan(segments=(PLAIN,))


def test_a_plan_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 3"):
        Plan.unpack(b'{"version": 3}')


@pytest.mark.parametrize(
    ("spoken", "written"),
    [("In", "In"), ("nineteen", "1999"), ("ninety", "1999"), (", at", ", at"), ("five", "5 km"), ("kilometres", "5 km"), (".", ".")],
)
def test_every_spoken_place_has_its_place_in_the_text(spoken: str, written: str) -> None:
    assert SAID.text[SAID.source_offset(SAID.spoken.index(spoken)) :].startswith(written)
    assert PLAIN.source_offset(3) == 3
