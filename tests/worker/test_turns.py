"""Real workers: a sentence does not wait for a book of ten hours, and each owner is heard with a voice of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from loa.jobs import Job
from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

TEN_HOURS = "This is one of the very many sentences of a book that takes all day to be heard. " * 7_500


class Claims:
    """Every claim of a fleet, in order, as Redis itself tells of them."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._seen: list[int] = []
        fleet.redis.config_set("notify-keyspace-events", "Kh")
        self._channel = fleet.redis.pubsub(ignore_subscribe_messages=True)
        self._channel.psubscribe(f"__keyspace@0__:{fleet.keys.claim('*')}")

    def until_begun(self, text: str, owner: str, lane: str) -> int:
        """Batches that were claimed from a submission until its job began; the last one is the job's own."""
        job_id = self._fleet.submit(text, owner=owner, lane=lane)
        assert self._fleet.ended(job_id).state is State.SUCCEEDED
        born, claim = self._fleet.redis.hmget(self._fleet.keys.job(job_id), "born", "finished_by")
        wait_until(lambda: self._hear() >= _order(claim))
        return sum(int(born) < order <= _order(claim) for order in self._seen)

    def _hear(self) -> int:
        """Hear the next claim; the last one that was heard."""
        message = self._channel.get_message(timeout=0.1)
        if message is not None:
            self._seen.append(_order(message["channel"]))
        return self._seen[-1] if self._seen else 0

    def close(self) -> None:
        self._channel.close()


def _order(claim: str) -> int:
    """A claim begins with the counter that a job's arrival is numbered by, too."""
    return int(claim.rpartition(":")[2].partition("-")[0])


def test_with_a_book_of_ten_hours_in_work_a_sentence_begins_within_two_batches(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(batch_max=4)
    with contextlib.closing(Claims(fleet)) as claims:
        fleet.worker("speak", LOA_SINE_SECONDS="0.05").hot()
        fleet.worker("plan,assemble").hot()
        book = fleet.submit(TEN_HOURS, owner="ann", lane="bulk")
        wait_until(lambda: fleet.job(book).segments_done, 120, "the book to be in work")
        assert fleet.job(book).estimate >= 36_000
        for _ in range(2):
            assert 1 <= claims.until_begun("Somebody else's sentence.", "bob", "interactive") <= 2
            assert 1 <= claims.until_begun("The owner's own sentence, of another length.", "ann", "interactive") <= 2
            assert 1 <= claims.until_begun("Somebody else's in the same lane. " * 6, "carl", "bulk") <= 2
        assert not fleet.job(book).ended
        fleet.store.jobs.cancel(book, "ann")


def test_two_owners_speak_with_their_own_voice_of_one_name(fleet: Fleet) -> None:
    for owner in ("ann", "bob"):
        fleet.add_voice("anna", f"a recording of {owner}'s Anna".encode(), owner)
    fleet.worker("speak,plan").hot()
    text = "One and the same sentence. "

    def heard(owner: str, text: str) -> Job:
        return fleet.ended(fleet.submit(text, voice="anna", owner=owner))

    ann, bob = heard("ann", text), heard("bob", text)
    assert (ann.state, bob.state) == (State.SUCCEEDED, State.SUCCEEDED), (ann.error, bob.error)
    assert ann.fingerprint != bob.fingerprint
    assert ann.result is not None
    assert bob.result is not None
    assert ann.result["sha256"] != bob.result["sha256"]
    fleet.store.voices.remove("anna", fleet.store.voices.find("anna", "bob") or "", "bob")
    waiting = fleet.submit(text * 50, voice="anna", owner="ann")
    wait_until(lambda: fleet.job(waiting).segments_total > 1, 30, "its plan: the voice of that name that is left is hers")
