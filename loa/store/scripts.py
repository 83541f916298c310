"""Loads the Lua scripts: each is one whole move, atomic, with the prelude and the constants of these settings before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script

from loa import keys
from loa.settings import Settings
from loa.states import MOVES

MAX_LOSSES = 3  # deaths that one segment may cause before its job fails
SLOT_MEMORY = 3600  # seconds that a silent slot's record is kept for `loa workers` and `loa doctor`


class Scripts:
    """The scripts by name: `scripts.run("claim", queue, slot, …)`."""

    def __init__(self, redis: Redis, settings: Settings, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        prelude = _constants(settings) + _source("prelude")
        self._scripts: dict[str, Script] = {
            path.name.removesuffix(".lua"): redis.register_script(prelude + path.read_text(encoding="utf-8"))
            for path in (files(__package__) / "scripts").iterdir()
            if path.name.endswith(".lua") and path.name != "prelude.lua"
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
        "MOVES": {state.value: {event.value: target.value for event, target in moves.items()} for state, moves in MOVES.items()},
        "BUCKETS": keys.BUCKETS,
        "SOLO": keys.SOLO,
        "MAX_LOSSES": MAX_LOSSES,
        "LEASE": milliseconds(settings.lease),
        "TOKEN": milliseconds(settings.token),
        "HEARTBEAT": milliseconds(SLOT_MEMORY),
        "RETENTION": milliseconds(settings.job_retention_days * 86400),
    }
    return "".join(f"local {name} = {_lua(value)}\n" for name, value in constants.items())


def _lua(value: Any) -> str:
    """A Python value as a Lua literal; only what the constants need."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"['{name}'] = {_lua(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, Iterable):
        return "{" + ", ".join(_lua(entry) for entry in value) + "}"
    return str(value)


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
