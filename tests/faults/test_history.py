"""The checker itself: it accepts every history that keeps the promises, and finds each kind of break."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.history import Answer, Event, History, Kind, Record

AUDIO = (1000, "a" * 64)
ENDS = ("succeeded", "failed", "canceled")


@st.composite
def sound_histories(draw: st.DrawFn) -> History:
    """Submissions with any answers, each repeated or not, and what a service that keeps its promises makes of them."""
    history = History()
    for number in range(draw(st.integers(1, 8))):
        key, job_id = f"key-{number}", f"job-{number}"
        statuses = draw(st.lists(st.sampled_from([202, 200, 429, 503, None]), min_size=1, max_size=3))
        history.answers += [
            Answer(key=key, status=status, job_id=job_id if status in (200, 202) else "", retry_after=status in (429, 503))
            for status in statuses
        ]
        accepted = any(status in (200, 202) for status in statuses)
        if accepted or (None in statuses and draw(st.booleans())):
            state = draw(st.sampled_from(ENDS))
            audio = AUDIO if state == "succeeded" else None
            history.records.append(Record(job_id=job_id, key=key, state=state, promised=audio, found=audio))
            told = Event(job_id=job_id, state=state, delivery=f"msg-{number}")
            history.events += [told] * draw(st.integers(1, 3))  # one delivery may come again under its id
    return history


@given(sound_histories())
def test_a_sound_history_has_no_violation(history: History) -> None:
    assert history.check() == []
    counts = history.counts()
    assert counts["accepted"] == counts["succeeded"] + counts["failed"] + counts["canceled"]


def lose(history: History) -> None:
    del history.records[-1]


def leave_unfinished(history: History) -> None:
    history.records[-1] = dataclasses.replace(history.records[-1], state="speaking", promised=None, found=None)


def make_a_phantom(history: History) -> None:
    history.answers.append(Answer(key="refused", status=503))
    history.records.append(Record(job_id="job-phantom", key="refused", state="canceled"))
    history.events.append(Event(job_id="job-phantom", state="canceled", delivery="msg-phantom"))


def make_a_job_from_nowhere(history: History) -> None:
    history.records.append(Record(job_id="job-nowhere", key="never sent", state="canceled"))
    history.events.append(Event(job_id="job-nowhere", state="canceled", delivery="msg-nowhere"))


def make_twins(history: History) -> None:
    twin = dataclasses.replace(history.records[-1], job_id="job-twin")
    history.records.append(twin)
    history.events.append(Event(job_id="job-twin", state=twin.state, delivery="msg-twin"))


def answer_with_an_error(history: History) -> None:
    history.answers.append(Answer(key="wrong", status=500))


def refuse_without_advice(history: History) -> None:
    history.answers.append(Answer(key="refused", status=429, retry_after=False))


def tell_twice(history: History) -> None:
    history.events.append(dataclasses.replace(history.events[-1], delivery="another"))


def tell_twice_without_ids(history: History) -> None:
    history.events[:] = [dataclasses.replace(event, delivery="") for event in dict.fromkeys(history.events)]
    history.events.append(history.events[-1])


def tell_the_wrong_end(history: History) -> None:
    last = history.records[-1]
    wrong = ENDS[(ENDS.index(last.state) + 1) % 3]
    history.events[:] = [event for event in history.events if event.job_id != last.job_id]
    history.events.append(Event(job_id=last.job_id, state=wrong, delivery="msg-wrong"))


def tell_nothing(history: History) -> None:
    history.events[:] = [event for event in history.events if event.job_id != history.records[-1].job_id]


def spoil_the_audio(history: History) -> None:
    last = history.records[-1]
    history.records[-1] = dataclasses.replace(last, state="succeeded", promised=AUDIO, found=(999, "b" * 64))
    history.events[:] = [
        dataclasses.replace(event, state="succeeded") if event.job_id == last.job_id else event for event in history.events
    ]


def remove_the_audio(history: History) -> None:
    spoil_the_audio(history)
    history.records[-1] = dataclasses.replace(history.records[-1], found=None)


def succeed_without_audio(history: History) -> None:
    spoil_the_audio(history)
    history.records[-1] = dataclasses.replace(history.records[-1], promised=None, found=None)


BREAKS: list[tuple[Callable[[History], None], Kind]] = [
    (lose, Kind.LOST),
    (leave_unfinished, Kind.UNFINISHED),
    (make_a_phantom, Kind.PHANTOM),
    (make_a_job_from_nowhere, Kind.PHANTOM),
    (make_twins, Kind.TWINS),
    (answer_with_an_error, Kind.ERROR),
    (refuse_without_advice, Kind.NO_ADVICE),
    (tell_twice, Kind.DUPLICATE_EVENT),
    (tell_twice_without_ids, Kind.DUPLICATE_EVENT),
    (tell_the_wrong_end, Kind.FALSE_EVENT),
    (tell_nothing, Kind.MISSING_EVENT),
    (spoil_the_audio, Kind.WRONG_AUDIO),
    (remove_the_audio, Kind.WRONG_AUDIO),
    (succeed_without_audio, Kind.NO_AUDIO),
]


@pytest.mark.parametrize(("spoil", "kind"), BREAKS, ids=lambda part: part.__name__ if callable(part) else part.name)
@given(history=sound_histories().filter(lambda history: history.accepted and history.records[-1].key in history.accepted))
def test_each_break_of_a_promise_is_found(spoil: Callable[[History], None], kind: Kind, history: History) -> None:
    broken = History(answers=list(history.answers), records=list(history.records), events=list(history.events))
    spoil(broken)
    assert kind in {violation.kind for violation in broken.check()}


def test_every_kind_has_a_break() -> None:
    assert {kind for _, kind in BREAKS} == set(Kind)


def test_without_complete_events_only_what_was_told_is_judged() -> None:
    history = History(answers=[Answer(key="k", status=202, job_id="j")], records=[Record(job_id="j", key="k", state="failed")])
    assert [violation.kind for violation in history.check()] == [Kind.MISSING_EVENT]
    assert history.check(events_complete=False) == []
    for state, count in itertools.product(("failed", "succeeded"), (1, 2)):
        history.events[:] = [Event(job_id="j", state=state)] * count
        assert bool(history.check(events_complete=False)) == (state != "failed" or count > 1)
