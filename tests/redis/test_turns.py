"""Fair turns: a sentence never waits for a book, whoever's either is, and no lane and no owner stands still."""

from __future__ import annotations

from collections import Counter

import pytest

from loa.store import Batch
from tests.redis.ledger import ASSEMBLE, PLAN, Bench

BOOK = [1.0 + index * 7 % 20 for index in range(3_400)]  # seconds of audio: ten hours in passages of every length
SENTENCES = (0.8, 2.0, 5.0, 12.0, 25.0)


def narrate(bench: Bench, **changes: object) -> str:
    """A book of ten hours, in work."""
    book = bench.submit(long=True, **changes)
    assert bench.plan(BOOK) == book
    bench.speak(bench.claim())
    return book


def batches_until(bench: Bench, job_id: str) -> int:
    """Speak on until a job begins; the number of its batch, from 1."""
    for number in range(1, 100):
        batch = bench.claim()
        bench.speak(batch)
        if job_id in batch.jobs:
            return number
    raise AssertionError("it never began")


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        pytest.param(("ann", "bulk"), ("bob", "interactive"), id="another owner"),
        pytest.param(("ann", "bulk"), ("ann", "interactive"), id="the same owner"),
        pytest.param(("ann", "bulk"), ("bob", "bulk"), id="another owner, both bulk"),
        pytest.param(("ann", "interactive"), ("bob", "interactive"), id="another owner, both interactive"),
    ],
)
def test_with_a_book_in_work_a_sentence_begins_within_two_batches(bench: Bench, book: tuple[str, str], sentence: tuple[str, str]) -> None:
    """At any moment of the book, whatever the sentence's length."""
    bench.hot()
    narrate(bench, owner=book[0], lane=book[1])
    for moment in range(4):  # every fourth claim is for bulk
        for seconds in SENTENCES:
            job_id = bench.submit(owner=sentence[0], lane=sentence[1], seconds=seconds)
            assert batches_until(bench, job_id) <= 2, (moment, seconds)
        bench.speak(bench.claim())


def test_owners_take_turns_however_many_books_they_have(bench: Bench) -> None:
    bench.hot()
    for owner in ("ann", "ann", "ann", "bob", "carl"):
        narrate(bench, owner=owner)
    spoken: Counter[str] = Counter()  # seconds of audio
    for _ in range(30):
        batch = bench.claim()
        bench.speak(batch)
        for item in batch.items:
            spoken[batch.jobs[item.job_id].owner] += int(BOOK[item.index])
    assert max(spoken.values()) <= 1.25 * min(spoken.values()), spoken
    late = bench.submit(owner="dora", seconds=9.0)
    assert batches_until(bench, late) <= 4, "a batch for each who was there before, then hers"


def test_bulk_moves_while_interactive_work_keeps_coming(bench: Bench) -> None:
    bench.hot()
    book = narrate(bench, owner="ann", lane="bulk")
    bulk = 0
    for _ in range(40):
        for _ in range(5):
            bench.submit(owner="bob", seconds=2.0)
        batch = bench.claim(most=4)
        bench.speak(batch)
        bulk += book in batch.jobs
    assert bulk == 10, "every fourth batch"


def test_interactive_work_of_many_owners_does_not_wait_for_bulk(bench: Bench) -> None:
    bench.hot()
    narrate(bench, owner="ann", lane="bulk")
    jobs = {bench.submit(owner=f"owner-{number}", seconds=2.0) for number in range(12)}
    begun: set[str] = set()
    for _ in range(2):
        batch = bench.claim()
        bench.speak(batch)
        begun |= jobs & set(batch.jobs)
    assert begun == jobs, "one batch takes the sentences of all of them along"


@pytest.mark.parametrize("queue", [PLAN, ASSEMBLE])
def test_planning_and_assembling_take_turns_as_well(bench: Bench, queue: str) -> None:
    bench.hot()
    ready = [bench.submit(owner="ann", long=queue == PLAN) for _ in range(20)] + [bench.submit(owner="bob", long=queue == PLAN)]
    if queue == ASSEMBLE:
        while isinstance(batch := bench.store.claims.claim("speak.sine", "w/0", most=64, seconds=9, rate=0.01), Batch):
            bench.speak(batch)
    claimed = [bench.claim(queue=queue, most=1).items[0].job_id for _ in range(3)]
    assert ready[-1] in claimed[:2]
