"""The job store: the truth about every job, on one Redis.

`Store.jobs` answers people, `Store.claims` feeds workers, `Store.slots` watches over them, `Store.voices` keeps the voices that users
added, `Store.credentials` the API keys, `Store.deliveries` the webhooks that tell of ended jobs, `Store.house` says what the sweeper may
remove. Every change of a job is one Lua script (store/scripts/), atomic, on the Redis clock; a Celery message is only a wake-up.
docs/architecture.md tells the whole story.
"""

from __future__ import annotations

import redis

from loa.keys import PREFIX
from loa.settings import Settings
from loa.store.claims import Batch, Claims, Item, LeftOut, Recorded, Refusal, Spoilt, Spoken
from loa.store.connection import Breaker, Patience, connect_api, connect_briefly, connect_worker
from loa.store.credentials import Credentials
from loa.store.database import Database, Wake, no_wake
from loa.store.deliveries import Deliveries, Due, Outcome
from loa.store.house import House, Needs, Turn
from loa.store.jobs import Idempotency, Jobs, Submitted
from loa.store.slots import Pulse, Reconciled, Slot, Slots
from loa.store.voices import Added, Voices

__all__ = [
    "Added",
    "Batch",
    "Breaker",
    "Claims",
    "Credentials",
    "Deliveries",
    "Due",
    "House",
    "Idempotency",
    "Item",
    "Jobs",
    "LeftOut",
    "Needs",
    "Outcome",
    "Patience",
    "Pulse",
    "Reconciled",
    "Recorded",
    "Refusal",
    "Slot",
    "Slots",
    "Spoilt",
    "Spoken",
    "Store",
    "Submitted",
    "Turn",
    "Voices",
    "connect_api",
    "connect_briefly",
    "connect_worker",
]


class Store:
    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        *,
        wake: Wake = no_wake,
        guard: Breaker | Patience | None = None,
        prefix: str = PREFIX,
    ) -> None:
        self.database = Database(client, settings, wake=wake, guard=guard, prefix=prefix)
        self.jobs = Jobs(self.database)
        self.claims = Claims(self.database)
        self.slots = Slots(self.database)
        self.voices = Voices(self.database)
        self.credentials = Credentials(self.database)
        self.house = House(self.database)
        self.deliveries = Deliveries(self.database)

    @classmethod
    def for_api(cls, settings: Settings, wake: Wake = no_wake) -> Store:
        """For processes that answer people: short timeouts, no retries, a circuit breaker."""
        return cls(connect_api(settings.redis_url), settings, wake=wake, guard=Breaker())

    @classmethod
    def for_worker(cls, settings: Settings, wake: Wake) -> Store:
        """For processes that hold work: calls wait until Redis is back."""
        return cls(connect_worker(settings.redis_url), settings, wake=wake)

    @classmethod
    def for_thread(cls, settings: Settings, wake: Wake = no_wake) -> Store:
        """For heartbeats and reconcilers: one try, and the next tick is the next try."""
        return cls(connect_briefly(settings.redis_url), settings, wake=wake)
