"""Where a book is cut, and that a change moves as few cuts as possible."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from loa.errors import AssemblyFailed
from loa.plan import Plan, PlannedChapter, Segment
from worker.assembly.parts import MOST, ROOM, Part, parts_of


def book(count: int, *, pause: float = 0.25, chapters: int = 1) -> Plan:
    """Segments of about ten seconds."""
    segments = tuple(
        Segment(index=index, text=f"{index}.", address=hashlib.sha256(b"%d" % index).hexdigest(), audio_seconds=8 + index % 5, pause=pause)
        for index in range(count)
    )
    each = count // chapters
    planned = tuple(PlannedChapter(number=place + 1, title=f"{place}", first=place * each, count=each) for place in range(chapters))
    return Plan(segments=segments, chapters=planned)


def addresses(plan: Plan) -> list[str]:
    return [part.address(22050) for part in parts_of(plan)]


def seconds(part: Part) -> float:
    return sum(segment.audio_seconds + segment.pause for segment in part.segments)


def test_every_segment_is_in_one_part_and_no_part_is_in_two_chapters() -> None:
    plan = book(600, chapters=6)
    parts = parts_of(plan)
    assert [segment for part in parts for segment in part.segments] == list(plan.segments)
    assert all(part.segments[0].index // 100 == part.segments[-1].index // 100 == part.chapter for part in parts)
    assert all(seconds(part) < MOST + 15 for part in parts)
    assert len(parts) > 12


def test_a_plan_without_chapters_is_cut_as_well() -> None:
    plan = replace(book(300), chapters=())
    assert len(parts_of(plan)) > 5
    assert {part.chapter for part in parts_of(plan)} == {None}


def test_cuts_are_where_there_is_room_for_them() -> None:
    plan = book(300)
    segments = tuple(replace(one, pause=0.25 if one.index % 2 else 0.05) for one in plan.segments)
    for part in parts_of(replace(plan, segments=segments))[:-1]:
        assert part.pause >= ROOM


def test_without_any_pause_parts_end_all_the_same() -> None:
    assert all(seconds(part) < 2 * MOST + 15 for part in parts_of(book(600, pause=0.0)))


@pytest.mark.parametrize("place", [3, 250, 597])
def test_a_changed_paragraph_is_in_one_part(place: int) -> None:
    plan = book(600)
    changed = replace(plan.segments[place], address="f" * 64, audio_seconds=3.0)
    before = addresses(plan)
    after = addresses(replace(plan, segments=(*plan.segments[:place], changed, *plan.segments[place + 1 :])))
    assert 1 <= len(set(after) - set(before)) <= 3


def test_the_pause_after_a_part_is_none_of_its_business() -> None:
    plan = book(5)
    longer = (*plan.segments[:-1], replace(plan.segments[-1], pause=2.0))
    assert addresses(replace(plan, segments=longer)) == addresses(plan)
    within = (replace(plan.segments[0], pause=2.0), *plan.segments[1:])
    assert addresses(replace(plan, segments=within)) != addresses(plan)


def test_missing_segments_are_left_out_and_chapters_with_nothing_else() -> None:
    parts = parts_of(book(40, chapters=4), missing={0, *range(10, 20)})
    assert [part.chapter for part in parts] == [0, 2, 3]
    assert parts[0].segments[0].index == 1
    with pytest.raises(AssemblyFailed, match="nothing"):
        parts_of(book(2), missing={0, 1})
