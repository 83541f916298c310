"""Worker processes as the store sees them:

What they announced, their heartbeats, draining, devices, and the reconciler that finds what they lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from loa.errors import ArtifactsNotShared
from loa.store.database import Database
from loa.store.scripts import milliseconds
from loa.urls import shown

SlotState = Literal["loading", "hot", "draining", "failed"]
DRAIN_MEMORY = 3600.0  # seconds; longer than any shutdown


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One worker process: `id` is `WORKER/INDEX`, stable over restarts of the process."""

    id: str
    state: SlotState
    queues: tuple[str, ...]
    pid: int
    host: str
    device: str  # cpu, or cuda:0
    device_uuid: str
    engines: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # common voices that are not installed
    unserved: Mapping[str, str] = field(default_factory=dict)  # engine that is not installed → what is missing, and what to do
    steps: Mapping[str, float] = field(default_factory=dict)  # seconds of each step of the start
    message: str = ""  # what it is doing, or why it failed

    @property
    def worker(self) -> str:
        return self.id.rpartition("/")[0]

    @property
    def speaks(self) -> bool:
        """Whether this process can speak right now."""
        return self.state == "hot" and any(queue.startswith("speak.") for queue in self.queues)

    def to_json(self) -> dict[str, Any]:
        """The slot as the API and the command line show it."""
        return {
            "id": self.id,
            "state": self.state,
            "queues": list(self.queues),
            "pid": self.pid,
            "host": self.host,
            "device": self.device,
            "device_uuid": self.device_uuid,
            "engines": list(self.engines),
            "voices": list(self.voices),
            "skipped": list(self.skipped),
            "unserved": dict(self.unserved),
            "steps": dict(self.steps),
            "message": self.message,
        }

    def fields(self) -> dict[str, str]:
        facts = {name: getattr(self, name) for name in ("pid", "host", "device", "device_uuid", "engines", "voices", "skipped", "message")}
        return {"facts": json.dumps(facts | {"unserved": dict(self.unserved), "steps": dict(self.steps)}, ensure_ascii=False)}

    @classmethod
    def from_record(cls, slot_id: str, record: Mapping[str, str]) -> Slot:
        facts = json.loads(record["facts"])
        lists = {name: tuple(facts.pop(name)) for name in ("engines", "voices", "skipped")}
        return cls(id=slot_id, state=record["state"], queues=tuple(record["queues"].split()), **facts, **lists)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """The answer to a heartbeat."""

    known: bool  # False: Redis has lost the slot's record; announce again
    draining: bool
    held: tuple[bool, ...]  # for each claim that was named


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    ran: bool  # False: another process did it just now
    expired: int = 0
    ready: int = 0
    failed: int = 0
    woken: int = 0


class Slots:
    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(self, slot: Slot) -> None:
        """Say what a process is and does; one that turns hot wakes itself for the work that waits."""
        pairs = [text for pair in slot.fields().items() for text in pair]
        self._database.wake(self._database.run("announce", slot.id, slot.state, " ".join(slot.queues), *pairs))

    def beat(self, slot_id: str, claims: Sequence[str] = ()) -> Pulse:
        """Heartbeat of a slot and of the claims it works on."""
        known, draining, *held = self._database.run("beat", slot_id, *claims)
        return Pulse(known=bool(known), draining=bool(draining), held=tuple(bool(one) for one in held))

    def drain(self, worker: str) -> None:
        """The worker gets no more work; its running batches are told by their next beat."""
        self._database.wake(self._database.run("drain", worker, milliseconds(DRAIN_MEMORY)))

    def lost(self, slot_id: str) -> int:
        """The process of a slot is dead, and none has come in its place yet: what it held is given back, and charged as for an ended lease.

        Returns how many items are ready again.
        """
        ready, _, *tokens = self._database.run("lost", slot_id)
        self._database.wake(tokens)
        return int(ready)

    def retire(self, worker: str, slots: int) -> None:
        """The worker has ended in order."""
        self._database.run("retire", worker, slots)

    def all(self) -> list[Slot]:
        """Every slot with a heartbeat, by id."""
        keys = self._database.keys
        seconds, micros = self._database.command("time")
        now = seconds * 1000 + micros // 1000
        ids = sorted(self._database.command("zrangebyscore", keys.slots(), f"({now}", "+inf"))
        with self._database.pipeline() as pipeline:
            for slot_id in ids:
                pipeline.hgetall(keys.slot(slot_id))
            records = pipeline.execute()
        return [Slot.from_record(slot_id, record) for slot_id, record in zip(ids, records, strict=True) if record]

    def lease_device(self, host: str, uuid: str, worker: str) -> str | None:
        """Take or renew the lease of a device for a worker; returns the name of another worker that holds it, else None."""
        key = self._database.keys.device(host, uuid)
        holder = self._database.run("lease_device", key, worker)
        return None if holder == worker else str(holder)

    def reconcile(self) -> Reconciled:
        """Requeue what dead workers held, send lost wake-ups again, forget what is past its time."""
        ran, expired, ready, failed, *tokens = self._database.run("reconcile", milliseconds(self._database.settings.reconcile))
        self._database.wake(tokens)
        return Reconciled(ran=bool(ran), expired=expired, ready=ready, failed=failed, woken=len(tokens))

    def share_artifacts(self, token: str, url: str) -> None:
        """Make sure that all processes see one artifact store. Raises ArtifactsNotShared."""
        key = self._database.keys.artifacts()
        self._database.command("set", key, token, nx=True)
        if self._database.command("get", key) != token:
            raise ArtifactsNotShared(f"{shown(url)} is not the artifact store that the other processes use")

    def backlog(self, *, totals: bool = False) -> dict[str, dict[str, Any]]:
        """Of every queue: ready items, hot slots, and the wake-ups that reached a worker (those that found nothing to do apart).

        With `totals` also what was ever claimed, spoken, spoken in vain, and lost.
        """
        keys, queues = self._database.keys, sorted(self._database.command("smembers", self._database.keys.queues()))
        seconds, micros = self._database.command("time")
        now = seconds * 1000 + micros // 1000
        with self._database.pipeline() as pipeline:
            for queue in queues:
                pipeline.hmget(keys.backlog(queue), "items", "ms", "wakes", "noops", "claims")
                pipeline.zcount(keys.hot(queue), f"({now}", "+inf")
                pipeline.hmget(keys.totals(queue), "audio_ms", "compute_ms", "losses", "bad_takes")
            answers = pipeline.execute()
        backlog: dict[str, dict[str, Any]] = {}
        for queue, (items, ms, wakes, noops, claims), hot, (audio_ms, compute_ms, losses, bad_takes) in zip(
            queues, answers[::3], answers[1::3], answers[2::3], strict=True
        ):
            backlog[queue] = {
                "ready_segments": int(items or 0),
                "ready_seconds": int(ms or 0) / 1000,
                "hot_slots": hot,
                "wakes": int(wakes or 0),
                "idle_wakes": int(noops or 0),
            }
            if totals:
                backlog[queue] |= {
                    "claims": int(claims or 0),
                    "audio_seconds": int(audio_ms or 0) / 1000,
                    "compute_seconds": int(compute_ms or 0) / 1000,
                    "losses": int(losses or 0),
                    "bad_takes": int(bad_takes or 0),
                }
        return backlog
