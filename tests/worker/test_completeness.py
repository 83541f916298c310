"""A finished book is never shorter than its plan."""

from __future__ import annotations

import pytest

from loa.errors import AssemblyFailed
from loa.plan import Segment
from loa.store import LeftOut
from loa.store.scripts import MOST_NAMED
from worker.completeness import Placed, missing_facts, verify


def placed(*indices: int) -> list[Placed]:
    return [Placed(index=index, samples=100, silence=10) for index in indices]


def test_a_whole_book_passes() -> None:
    verify(3, placed(0, 1, 2), (), 330)
    verify(0, [], (), 0)


def test_a_book_without_what_is_named_as_missing_passes() -> None:
    verify(3, placed(0, 2), {1}, 220)


@pytest.mark.parametrize(
    ("planned", "indices", "missing", "samples", "words"),
    [
        (3, (0, 2), (), 220, "lacks segment 1 of 3"),
        (9, (0,), {1}, 110, "lacks segments 2, 3, 4, 5, 6 and 2 more of 9"),
        (3, (0, 1, 2), {1}, 330, "holds segment 1, which it should not"),
        (2, (0, 1, 2), (), 330, "holds segment 2, which it should not"),
        (3, (0, 1, 1, 2), (), 440, "twice, or in another order"),
        (3, (1, 0, 2), (), 330, "twice, or in another order"),
        (3, (0, 1, 2), (), 329, "has 329 samples; its segments and pauses have 330"),
        (3, (0, 1, 2), (), 331, "has 331 samples"),
    ],
)
def test_anything_else_is_refused(planned: int, indices: tuple[int, ...], missing: set[int], samples: int, words: str) -> None:
    with pytest.raises(AssemblyFailed, match=words):
        verify(planned, placed(*indices), missing, samples)


def test_the_grid_of_packets_is_tolerated_and_no_more() -> None:
    verify(3, placed(0, 1, 2), (), 350, 20)
    for samples in (309, 351):
        with pytest.raises(AssemblyFailed, match=f"has {samples} samples"):
            verify(3, placed(0, 1, 2), (), samples, 20)


def test_a_segment_without_sound_is_refused() -> None:
    with pytest.raises(AssemblyFailed, match="holds nothing of segment 1"):
        verify(2, [Placed(index=0, samples=100), Placed(index=1, samples=0, silence=50)], (), 150)


def test_what_a_result_says_of_missing_segments() -> None:
    segments = [Segment(index=index, text=f"Text {index}.", address="", audio_seconds=1.0) for index in range(200)]
    assert missing_facts((), segments) == {}
    died = LeftOut(index=7, text="", reason="3 worker processes died while they spoke it")
    silent = LeftOut(index=2, text="Text", reason="it is silence", chapter="The Whale")
    assert missing_facts([died, silent], segments) == {
        "missing_count": 2,
        "missing": [
            {"index": 2, "text": "Text", "reason": "it is silence", "chapter": "The Whale"},
            {"index": 7, "text": "Text 7.", "reason": "3 worker processes died while they spoke it"},
        ],
    }
    many = missing_facts([LeftOut(index=index, text="x", reason="y") for index in range(199, -1, -1)], segments)
    assert many["missing_count"] == 200
    assert [one["index"] for one in many["missing"]] == list(range(MOST_NAMED))
