"""What may stay in Redis: every key is one of the legend in loa/keys.py, and what has no end there goes with the jobs and workers.

`assert_no_leaks` lets a store come to rest (jobs end, workers fall silent, time passes) and looks at what is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from loa import keys
from loa.keys import SCHEMA_VERSION
from loa.states import MOVES
from loa.store import Reconciled, Store

TIMELINES = ("claims", "slots", "busy", "draining", "ended", "kept", "couriers")  # sorted sets of instants


@dataclass(frozen=True, kw_only=True)
class Legend:
    """One row of the legend."""

    pattern: re.Pattern[str]
    type: str
    ends: str

    @property
    def kept(self) -> bool:
        """Whether only a person ends it: `never`, or `when the voice is removed`."""
        return self.ends == "never" or self.ends.startswith("when the ")


def legend() -> list[Legend]:
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|.*\| ([^|]+) \|$", keys.__doc__ or "", re.MULTILINE)
    types = {"counter": "string"}
    return [Legend(pattern=_pattern(name), type=types.get(kind, kind), ends=ends) for name, kind, ends in rows if kind != "channel"]


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"[A-Z]+", lambda word: "[^:]+" if word[0] == "ID" else ".+", name))


def pass_time(store: Store, seconds: float) -> None:
    """Let every clock in the store run ahead, as if nobody had called for so long."""
    client, keys, shift = store.database.client, store.database.keys, round(seconds * 1000)
    prefix = keys.prefix
    for name in client.scan_iter(f"{prefix}*", count=1000):
        part = name.removeprefix(prefix)
        if part in TIMELINES or part.startswith(("tokens:", "hot:", "lane:", "due:", "flying:")):
            with client.pipeline() as pipeline:
                for member in client.zrange(name, 0, -1):
                    pipeline.zincrby(name, -shift, member)
                pipeline.execute()
        elif part.startswith("claim:") and not part.endswith(":items"):
            client.hincrby(name, "until", -shift)
        elif part.startswith("endpoint:"):
            for instant in ("turn", "failing", "failed", "disabled"):
                if client.hexists(name, instant):
                    client.hincrby(name, instant, -shift)
        elif part.startswith("spent:"):
            client.decrby(name, shift)
        elif part == "reconciler":
            client.hincrby(name, "tick", -shift)
            client.hincrby(name, "hold", -shift)


def tick(store: Store) -> Reconciled:
    """Reconcile as in a service whose reconcilers never stopped ticking."""
    client, keys = store.database.client, store.database.keys
    (seconds, micros), run_id = client.time(), client.info("server")["run_id"]
    last = seconds * 1000 + micros // 1000 - round(store.database.settings.reconcile * 1000)
    client.hset(f"{keys.prefix}reconciler", mapping={"tick": last, "hold": 0, "run_id": run_id})
    reconciled = store.slots.reconcile()
    assert reconciled.ran
    return reconciled


def end_everything(store: Store) -> None:
    """Cancel what has not ended, and let workers, claims and records run out."""
    client, keys = store.database.client, store.database.keys
    client.set(keys.schema(), SCHEMA_VERSION)  # a test may have left another
    for job_id in client.zrange(keys.unfinished(), 0, -1):
        if owner := client.hget(keys.job(job_id), "owner"):
            store.jobs.cancel(job_id, owner)
    pass_time(store, store.database.settings.job_retention_days * 86400 + 86400)
    tick(store)
    while any(client.zcard(name) for name in (keys.ended(), keys.kept(), keys.claims())):  # a tick does so many and no more
        tick(store)


def leaks(store: Store) -> dict[str, str]:
    """Keys that no row of the legend explains, or that stay for ever although nothing is left that needs them; with what is wrong."""
    client, prefix, rows = store.database.client, store.database.keys.prefix, legend()
    found = {}
    for name in client.scan_iter(f"{prefix}*", count=1000):
        part, kind, ends = name.removeprefix(prefix), client.type(name), client.pttl(name)
        fitting = [row for row in rows if row.pattern.fullmatch(part)]
        if kind == "none":
            continue  # it ended meanwhile
        if not fitting:
            found[part] = "not in the legend of loa/keys.py"
        elif kind not in {row.type for row in fitting}:
            found[part] = f"a {kind}, which the legend calls a {fitting[-1].type}"
        elif ends == -1 and not any(row.kept for row in fitting):
            found[part] = f"still there; it should have ended: {fitting[-1].ends}"
    return found


def assert_no_leaks(store: Store) -> None:
    end_everything(store)
    counts = {state: int(number) for state, number in store.database.client.hgetall(store.database.keys.counts()).items()}
    assert all(counts.get(state, 0) == 0 for state in MOVES), f"jobs that have ended are counted as unfinished: {counts}"
    assert not any(store.deliveries.counts().values()), f"deliveries that are forgotten are counted: {store.deliveries.counts()}"
    found = leaks(store)
    assert not found, f"left in Redis: {found}"
