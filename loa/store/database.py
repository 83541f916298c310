"""What the three sides of the store share: a client, the scripts, the keys, and the way to wake a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from loa.keys import PREFIX, Keys
from loa.settings import Settings
from loa.store import schema
from loa.store.connection import Breaker, Patience, check_server
from loa.store.scripts import Scripts

log = logging.getLogger(__name__)

Wake = Callable[[str, str], None]  # (queue, token): send the message that makes a worker call `claim`


def no_wake(queue: str, token: str) -> None:
    """For readers that never make work ready. A wake-up that is lost here is sent again by a reconciler."""


class Database:
    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        *,
        wake: Wake = no_wake,
        guard: Breaker | Patience | None = None,
        prefix: str = PREFIX,
    ) -> None:
        self.client, self.settings = client, settings
        self.keys = Keys(prefix)
        self._wake, self._guard = wake, guard or Patience()
        self._scripts = Scripts(client, settings, prefix)

    def check(self) -> None:
        """See that this Redis can be used, and that its data is of this version: older data is brought up to date.

        Raises UnsupportedRedis, SchemaMismatch or StoreUnavailable.
        """
        with self._guard.guard():
            check_server(self.client)
            schema.agree(self)

    def compare(self) -> None:
        """See that the data is still of this version. Raises SchemaMismatch or StoreUnavailable."""
        with self._guard.guard():
            schema.compare(self.client, self.keys)

    def load_scripts(self) -> None:
        """Send every script to Redis, so that none is compiled inside a job. Raises StoreUnavailable."""
        with self._guard.guard():
            self._scripts.load()

    def run(self, script: str, *arguments: str | float) -> Any:
        """One script, one whole move. Raises StoreUnavailable."""
        with self._guard.guard():
            return self._scripts.run(script, *arguments)

    def command(self, name: str, *arguments: Any, **options: Any) -> Any:
        """One plain read. Raises StoreUnavailable."""
        with self._guard.guard():
            return getattr(self.client, name)(*arguments, **options)

    @contextmanager
    def pipeline(self) -> Iterator[Any]:
        """Several plain reads in one round trip. Raises StoreUnavailable."""
        with self._guard.guard(), self.client.pipeline(transaction=False) as pipeline:
            yield pipeline

    def wake(self, tokens: Sequence[str]) -> None:
        """Send wake-ups (`QUEUE TOKEN`) that a script issued.

        A failure is no error: the token expires and the reconciler issues another.
        """
        for entry in tokens:
            queue, token = entry.split(" ")
            try:
                self._wake(queue, token)
            except Exception as error:  # noqa: BLE001 - whatever the messenger's trouble is, the job is recorded
                log.warning("wake-up for %s was not sent (%s); the reconciler will send another", queue, error)
