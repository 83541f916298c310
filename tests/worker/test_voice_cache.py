from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass

import pytest

from tests.waiting import wait_until
from worker.voice_cache import VoiceCache


@dataclass(frozen=True)
class State:
    name: str
    nbytes: int = 100


class Loads:
    """A loader that counts, can be held up and can fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.go = threading.Event()
        self.go.set()
        self.error: Exception | None = None

    def __call__(self, name: str, fingerprint: str, owner: str) -> State:
        self.calls.append((name, fingerprint))
        assert self.go.wait(10)
        if self.error:
            raise self.error
        return State(name)


def test_a_hit_gives_the_same_state_at_no_cost() -> None:
    loads = Loads()
    cache = VoiceCache(loads, max_bytes=1000)
    first = cache.get("a", "1")
    second = cache.get("a", "1")
    assert first.seconds > 0
    assert second.seconds == 0
    assert second.state is first.state
    assert loads.calls == [("a", "1")]
    figures = cache.figures()
    assert (figures.hits, figures.misses, figures.nbytes, figures.voices) == (1, 1, 100, ("a",))


def test_a_lookup_opens_no_file_and_takes_less_than_a_millisecond() -> None:
    cache = VoiceCache(Loads(), max_bytes=1000)
    cache.get("a", "1")
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "os.scandir", "os.listdir"):
            opened.append(f"{event} {arguments[0]}")

    sys.addaudithook(watch)  # stays for the life of the process, and is switched off below
    seconds = []
    for _ in range(1000):
        began = time.perf_counter()
        cache.get("a", "1")
        seconds.append(time.perf_counter() - began)
    watching = False
    assert opened == []
    assert sorted(seconds)[989] < 0.001


def test_concurrent_misses_wait_for_one_load() -> None:
    loads = Loads()
    loads.go.clear()
    cache = VoiceCache(loads, max_bytes=1000)
    found = []
    threads = [threading.Thread(target=lambda: found.append(cache.get("a", "1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: cache.figures().misses == 8)
    loads.go.set()
    for thread in threads:
        thread.join(10)
    assert loads.calls == [("a", "1")]
    assert len({id(one.state) for one in found}) == 1
    assert all(one.seconds > 0 for one in found)  # each of them waited
    assert (cache.figures().misses, cache.figures().loads) == (8, 1)


def test_the_least_recently_used_goes_first() -> None:
    loads = Loads()
    cache = VoiceCache(loads, max_bytes=250)
    cache.get("a", "1")
    cache.get("b", "1")
    cache.get("a", "1")
    cache.get("c", "1")
    assert cache.figures().voices == ("a", "c")
    assert (cache.figures().nbytes, cache.figures().evictions) == (200, 1)
    cache.get("b", "1")
    assert loads.calls.count(("b", "1")) == 2


def test_a_replaced_voice_is_another_entry() -> None:
    loads = Loads()
    cache = VoiceCache(loads, max_bytes=1000)
    old = cache.get("a", "1").state
    new = cache.get("a", "2").state
    assert new is not old
    assert cache.get("a", "1").state is old  # jobs that were accepted before the change


def test_a_voice_is_kept_once_for_all_owners_and_loaded_for_each() -> None:
    """One owner's may be gone: that is no answer to another who waits for theirs."""
    loads = Loads()
    cache = VoiceCache(loads, max_bytes=1000)
    state = cache.get("a", "1", "ann").state
    assert cache.get("a", "1", "bob").state is state
    cache.clear()
    loads.go.clear()
    found: list[object] = []
    threads = [threading.Thread(target=lambda owner: found.append(cache.get("a", "1", owner)), args=(owner,)) for owner in ("ann", "bob")]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(loads.calls) == 3)
    loads.go.set()
    for thread in threads:
        thread.join(10)
    assert len(found) == 2
    assert cache.figures().nbytes == state.nbytes, "and counted once"


def test_a_failed_load_is_told_to_all_who_wait_and_not_kept() -> None:
    loads = Loads()
    loads.error = ValueError("damaged")
    cache = VoiceCache(loads, max_bytes=1000)
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"):
            cache.get("a", "1")
    assert len(loads.calls) == 2
    loads.error = None
    assert cache.get("a", "1").state == State("a")


@pytest.mark.parametrize("max_bytes", [0, 99])
def test_what_does_not_fit_is_not_kept(max_bytes: int) -> None:
    loads = Loads()
    cache = VoiceCache(loads, max_bytes=max_bytes)
    assert all(cache.get("a", "1").seconds > 0 for _ in range(3))
    assert len(loads.calls) == 3
    assert cache.figures().nbytes == 0


def test_clear_forgets_every_voice() -> None:
    loads = Loads()
    cache = VoiceCache(loads, max_bytes=1000)
    cache.get("a", "1")
    cache.clear()
    assert (cache.figures().nbytes, cache.figures().voices) == (0, ())
    cache.get("a", "1")
    assert len(loads.calls) == 2
