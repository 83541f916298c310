"""Real workers: a canceled book leaves the device within one batch, and what was spoken of it is not spoken again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

SENTENCES, BATCH = 40, 4
SENTENCE = "This is sentence number {} of a book, which is long enough to be a segment of its own."
BOOK = " ".join(map(SENTENCE.format, range(SENTENCES)))
OTHER = "Somebody else's sentence."


def test_a_canceled_book_frees_the_device_within_a_batch_and_keeps_what_was_spoken(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(batch_max=BATCH)
    fleet.worker("speak", LOA_SINE_SECONDS="0.05").hot()
    fleet.worker("plan,assemble").hot()
    book = fleet.submit(BOOK)
    wait_until(lambda: fleet.job(book).segments_done >= BATCH, 30, "a batch of the book")
    assert fleet.store.jobs.cancel(book).state is State.CANCELED
    under_way = len(fleet.begun())
    assert fleet.ended(fleet.submit(OTHER)).state is State.SUCCEEDED
    *late, last = fleet.begun()[under_way:]
    assert last == [OTHER]
    assert len(late) <= 1  # claimed before the cancel, begun after it
    spoken = sum(len(texts) for texts in fleet.begun()) - 1
    assert BATCH <= spoken < SENTENCES
    again = fleet.ended(fleet.submit(BOOK))
    assert (again.state, again.segments_done) == (State.SUCCEEDED, SENTENCES)
    assert set(Counter(text for texts in fleet.begun() for text in texts).values()) == {1}
