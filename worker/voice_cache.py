"""Voices that are ready on the device: bounded in bytes, the least recently used goes first.

    cache = VoiceCache(load, max_bytes=2_000_000_000)
    found = cache.get("joe", fingerprint)  # found.state, and found.seconds: 0 for a hit

A voice is kept under its name and fingerprint, so a voice that was replaced is another entry: jobs accepted before keep theirs for as long
as it is cached, later jobs load the new one, and no process restarts. A hit opens no file, asks nobody, and does not depend on the owner:
what has the same fingerprint is the same voice. A load is for one owner, because one may have the voice while another's is gone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from loa.api_keys import DEFAULT_OWNER

log = logging.getLogger(__name__)


class Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


State = TypeVar("State", bound=Sized)
Key = tuple[str, str]  # name, fingerprint
Load = tuple[str, str, str]  # name, fingerprint, owner


@dataclass(frozen=True, kw_only=True)
class Found(Generic[State]):
    state: State
    seconds: float  # that this call waited for a load; 0: it was there


@dataclass(frozen=True, kw_only=True)
class CacheFigures:
    hits: int
    misses: int  # calls that waited for a load, their own or another's
    loads: int
    evictions: int
    nbytes: int
    voices: tuple[str, ...]  # the least recently used first


class VoiceCache(Generic[State]):
    """Threads may share one."""

    def __init__(self, load: Callable[[str, str, str], State], *, max_bytes: int) -> None:
        """`load(name, fingerprint, owner)` makes a voice, or raises; `max_bytes` 0 keeps nothing."""
        self._load, self._max_bytes = load, max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, State] = OrderedDict()
        self._loading: dict[Load, Future[State]] = {}
        self._hits = self._misses = self._loads = self._evictions = self._nbytes = 0

    def get(self, name: str, fingerprint: str, owner: str = DEFAULT_OWNER) -> Found[State]:
        """The voice, loaded now if it is not kept. Callers that miss together wait for one load.

        Raises what `load` raises; a failure is not kept.
        """
        key, load = (name, fingerprint), (name, fingerprint, owner)
        with self._lock:
            state = self._kept.get(key)
            if state is not None:
                self._kept.move_to_end(key)
                self._hits += 1
                return Found(state=state, seconds=0.0)
            self._misses += 1
            future = self._loading.get(load)
            mine = future is None
            if future is None:
                future = self._loading[load] = Future()
                self._loads += 1
        began = time.perf_counter()
        if mine:
            self._make(load, future)
        return Found(state=future.result(), seconds=time.perf_counter() - began)

    def figures(self) -> CacheFigures:
        with self._lock:
            return CacheFigures(
                hits=self._hits,
                misses=self._misses,
                loads=self._loads,
                evictions=self._evictions,
                nbytes=self._nbytes,
                voices=tuple(name for name, _ in self._kept),
            )

    def clear(self) -> None:
        """Forget every voice; those in use live on until their batch is spoken."""
        with self._lock:
            self._kept.clear()
            self._nbytes = 0

    def _make(self, load: Load, future: Future[State]) -> None:
        try:
            state = self._load(*load)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            with self._lock:
                del self._loading[load]
            future.set_exception(error)
            return
        with self._lock:
            self._keep(load[:2], state)
            del self._loading[load]
        future.set_result(state)

    def _keep(self, key: Key, state: State) -> None:
        if state.nbytes > self._max_bytes:
            if self._max_bytes:
                log.warning("voice %s (%d bytes) is larger than the whole voice cache (LOA_VOICE_CACHE_BYTES)", key[0], state.nbytes)
            return
        if key in self._kept:
            return  # loaded for another owner in the same moment
        self._kept[key] = state
        self._nbytes += state.nbytes
        while self._nbytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._nbytes -= oldest.nbytes
            self._evictions += 1
