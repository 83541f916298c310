"""Loads the Lua scripts: each is one whole move, atomic, with its prelude and the constants of these settings before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script

from loa import keys
from loa.errors import Incomplete
from loa.jobs import DEFAULT_OWNER
from loa.settings import Settings
from loa.states import MOVES
from loa.webhooks.endpoints import TEST_EVENT
from loa.webhooks.states import DELIVERY_MOVES, Pace

MAX_LOSSES = 3  # deaths that one segment may cause before its job fails
MAX_TAKES = 3  # times that a segment is spoken until something fit to be heard comes of it
MOST_NAMED = 50  # missing segments that an error or a result names, so that a webhook can carry it
PRELUDE = ("ground", "outbox", "prelude")  # before every script, in this order
SLOT_MEMORY = 3600  # seconds that a silent slot's record is kept for `loa workers` and `loa doctor`
ENDPOINT_CONCURRENCY = 8  # attempts that one endpoint may have at once
KEPT_ATTEMPTS = 10  # of a delivery; the schedule has as many
ENDPOINT_PATIENCE = 5 * 86400  # seconds without a success after which an endpoint is disabled
ENDPOINT_SILENCE = 2 * 86400  # seconds without an attempt that are no failing: longer than the longest step of the schedule


class Scripts:
    """The scripts by name: `scripts.run("claim", queue, slot, …)`."""

    def __init__(self, redis: Redis, settings: Settings, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        prelude = _constants(settings) + "".join(_source(part) for part in PRELUDE)
        self._scripts: dict[str, Script] = {
            path.name.removesuffix(".lua"): redis.register_script(prelude + path.read_text(encoding="utf-8"))
            for path in (files(__package__) / "scripts").iterdir()
            if path.name.endswith(".lua") and path.name.removesuffix(".lua") not in PRELUDE
        }

    def load(self) -> None:
        for script in self._scripts.values():
            self._redis.script_load(script.script)

    def run(self, script: str, *arguments: str | float) -> Any:
        return self._scripts[script](keys=[self._prefix], args=arguments)


def _source(name: str) -> str:
    return (files(__package__) / "scripts" / f"{name}.lua").read_text(encoding="utf-8")


def _constants(settings: Settings) -> str:
    constants = {
        "SCHEMA": keys.SCHEMA_VERSION,
        "MOVES": _table(MOVES),
        "DELIVERY_MOVES": _table(DELIVERY_MOVES),
        "BUCKETS": keys.BUCKETS,
        "SOLO": keys.SOLO,
        "ALL": keys.ALL,
        "MAX_LOSSES": MAX_LOSSES,
        "MAX_TAKES": MAX_TAKES,
        "MOST_NAMED": MOST_NAMED,
        "INCOMPLETE": Incomplete.remedy(),
        "LEASE": milliseconds(settings.lease),
        "TOKEN": milliseconds(settings.token),
        "HEARTBEAT": milliseconds(SLOT_MEMORY),
        "RETENTION": milliseconds(settings.job_retention_days * 86400),
        "SCHEDULE": [milliseconds(delay) for delay in settings.webhook_delays],
        "CONCURRENCY": ENDPOINT_CONCURRENCY,
        "KEPT_ATTEMPTS": KEPT_ATTEMPTS,
        "PATIENCE": milliseconds(ENDPOINT_PATIENCE),
        "SILENCE": milliseconds(ENDPOINT_SILENCE),
        "PACES": list(Pace),
        "NEW": Pace.NEW,
        "TEST": TEST_EVENT,
        "STANDING_OWNER": DEFAULT_OWNER,
        "BACKLOG": milliseconds(settings.backlog),
        "BACKLOG_KEY": milliseconds(settings.backlog_key),
        "AUDIO_PER_HOUR": milliseconds(settings.audio_per_hour),
    }
    return "".join(f"local {name} = {_lua(value)}\n" for name, value in constants.items())


def _table(moves: Mapping[Any, Mapping[Any, Any]]) -> dict[str, dict[str, str]]:
    return {state.value: {event.value: target.value for event, target in row.items()} for state, row in moves.items()}


def _lua(value: Any) -> str:
    """A Python value as a Lua literal; only what the constants need."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"['{name}'] = {_lua(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    if isinstance(value, Iterable):
        return "{" + ", ".join(_lua(entry) for entry in value) + "}"
    return str(value)


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script returns it: name, value, name, value…"""
    return dict(zip(flat[::2], flat[1::2], strict=True))
