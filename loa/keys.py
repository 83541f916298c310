"""The one legend of Redis keys, and the one place where they are built.

Every key starts with the prefix (`loa:`). Scripts get the prefix as KEYS[1] and build the rest with the same names through `key(...)` of
store/scripts/prelude.lua: which keys a claim touches is known only inside the script, which is one of the reasons why Redis Cluster is
refused at start. Times are milliseconds of the Redis clock.

| key | type | what | ends |
|---|---|---|---|
| `schema` | string | SCHEMA_VERSION of the data, see store/schema.py | never |
| `artifacts` | string | token of the artifact store that all processes share | never |
| `seq` | counter | order of arrival, turns in rings, fences of claims, wake-up tokens | never |
| `job:ID` | hash | the job record | `LOA_JOB_RETENTION_DAYS` after its end |
| `job:ID:items` | hash | item (`plan`, a segment's index or `assemble`) → its record, see prelude.lua | with the job's end |
| `job:ID:chapters` | hash | of each chapter, from 0: `title:N`, and `left:N` segments that are not spoken yet | with the job's end |
| `job:ID:missing` | hash | index of a segment left out → `index`, `text`, `reason`, `chapter` (title) as JSON | with the job's end |
| `job:ID:ready:QUEUE:BUCKET` | list | items that wait, in order | with the job's end |
| `ring:QUEUE:LANE:OWNER:BUCKET` | zset | jobs with items in that bucket, by turn | when empty |
| `owners:QUEUE:LANE` | zset | owners with ready items, by turn | when empty |
| `backlog:QUEUE` | hash | ready `items`, `ms`; `claims`, `wakes`, `noops`; last claim's bounds; `compute_ms`, `audio_ms` of late | never |
| `totals:QUEUE` | hash | ever: `compute_ms`, `audio_ms` spoken, `losses` of started items, `bad_takes` | never |
| `claims` | zset | claim → end of its lease | when empty |
| `claim:ID` | hash | queue, slot, `until` (no beat extends it further) | with its last item |
| `claim:ID:items` | set | `JOB ITEM` that the claim still holds | with its last item |
| `tokens:QUEUE` | zset | wake-ups that were sent and not yet taken, by when they expire | when empty |
| `slots` | zset | worker process → end of its heartbeat | when empty |
| `slot:SLOT` | hash | what that process announced; `nonce` and `claim` of its last claim | an hour after its last heartbeat |
| `hot:QUEUE` | zset | hot slots of a queue → end of their heartbeat | when empty |
| `busy` | zset | slots inside a task → end of their lease | when empty |
| `queues` | set | every queue that had work or a worker | never |
| `draining` | zset | workers that are shutting down → when that is forgotten | when empty |
| `device:HOST:UUID` | string | the worker that holds this device | its lease |
| `jobs:OWNER:STATE` | zset | jobs of an owner in a state (or `all`), by creation | with the job record |
| `unfinished` | zset | every job that has not ended, by creation | when empty |
| `counts` | hash | state → jobs in it; of a final state: all that ever came to it | never |
| `ended` | zset | `OWNER JOB STATE` → when the record expires | with the job record |
| `idempotency:OWNER:HASH` | string | `REQUESTHASH JOB` | `LOA_IDEMPOTENCY_HOURS` |
| `delivery:ID` | hash | a webhook to be delivered, with its last attempts, see outbox.lua | `LOA_JOB_RETENTION_DAYS` after it was written |
| `deliveries:OWNER:STATE` | zset | deliveries of an owner in a state (or `all`), by creation | with the delivery |
| `delivery_counts` | hash | state → deliveries in it, of all owners | never |
| `kept` | zset | `DELIVERY OWNER ENDPOINT` → when the delivery expires | with the delivery |
| `lane:PACE` | zset | endpoint that is prompt, new or slow → when it has something to do | when it has nothing |
| `due:ENDPOINT` | zset | pending deliveries, by when their next attempt is due | when empty |
| `flying:ENDPOINT` | zset | deliveries that are being attempted → end of their lease | when empty |
| `endpoint:ID` | hash | `url`, `pace`, last `turn`; `failing`, `failed`; `disabled`, `reason` | a minute after the last of its deliveries |
| `standing` | hash | standing endpoint (LOA_WEBHOOKS) → URL | never |
| `signing` | string | the secret that signs where LOA_WEBHOOK_SECRETS names none | never |
| `couriers` | zset | `loa deliver` process → when it is no longer taken for alive | when empty |
| `voices` | hash | added voice (`NAME`, or `OWNER/NAME`) → `CREATED RECORD`, see loa/voice_record.py | when the voice is removed |
| `keys` | hash | id of an API key → its record with the hash of its secret, see loa/api_keys.py | when the key is forgotten |
| `waiting` | hash | owner, and `*` for all → audio (ms) of unfinished jobs that is not spoken yet | when none is |
| `spent:OWNER` | string | when the owner's hourly allowance of audio is whole again, if LOA_AUDIO_PER_HOUR is set | then |
| `reconciler` | hash | `tick`, `run_id`, `hold` | never |
| `sweeper` | hash | `holder` and `until` of the sweep under way, `began` of the last; `report` of the last that ended | never |
| `events` | channel | `{"job", "state"}` whenever a job ends | – |
| `deliveries` | channel | an endpoint that has something to do now | – |
"""

from __future__ import annotations

SCHEMA_VERSION = 3
PREFIX = "loa:"

PLAN = "plan"  # both the queue and the one item in it
ASSEMBLE = "assemble"
# Seconds of audio. A batch is padded to its longest passage, so the bounds of a bucket differ by about a half.
BUCKET_BOUNDS = (1.5, 2.5, 4.0, 6.0, 9.0, 13.0, 18.0)
BUCKETS = tuple(str(number) for number in range(len(BUCKET_BOUNDS) + 1))
ALL = "*"  # everybody's, where audio is counted by owner; no owner is called that
SOLO = "solo"  # the bucket of items that lost a worker: each is claimed alone


def speak(engine: str) -> str:
    """The queue of an engine's segments."""
    return f"speak.{engine}"


def bucket(audio_seconds: float) -> str:
    """The length bucket of a segment."""
    return BUCKETS[sum(audio_seconds > bound for bound in BUCKET_BOUNDS)]


class Keys:
    """One method a key; see the legend above."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix

    def _key(self, *parts: str) -> str:
        return self.prefix + ":".join(parts)

    def schema(self) -> str:
        return self._key("schema")

    def artifacts(self) -> str:
        return self._key("artifacts")

    def job(self, job_id: str) -> str:
        return self._key("job", job_id)

    def items(self, job_id: str) -> str:
        return self._key("job", job_id, "items")

    def chapters(self, job_id: str) -> str:
        return self._key("job", job_id, "chapters")

    def missing(self, job_id: str) -> str:
        return self._key("job", job_id, "missing")

    def ready(self, job_id: str, queue: str, bucket: str) -> str:
        return self._key("job", job_id, "ready", queue, bucket)

    def ring(self, queue: str, lane: str, owner: str, bucket: str) -> str:
        return self._key("ring", queue, lane, owner, bucket)

    def owners(self, queue: str, lane: str) -> str:
        return self._key("owners", queue, lane)

    def backlog(self, queue: str) -> str:
        return self._key("backlog", queue)

    def totals(self, queue: str) -> str:
        return self._key("totals", queue)

    def claims(self) -> str:
        return self._key("claims")

    def claim(self, claim_id: str) -> str:
        return self._key("claim", claim_id)

    def tokens(self, queue: str) -> str:
        return self._key("tokens", queue)

    def slots(self) -> str:
        return self._key("slots")

    def slot(self, slot: str) -> str:
        return self._key("slot", slot)

    def hot(self, queue: str) -> str:
        return self._key("hot", queue)

    def busy(self) -> str:
        return self._key("busy")

    def draining(self) -> str:
        return self._key("draining")

    def queues(self) -> str:
        return self._key("queues")

    def device(self, host: str, uuid: str) -> str:
        return self._key("device", host, uuid)

    def jobs(self, owner: str, state: str) -> str:
        return self._key("jobs", owner, state)

    def unfinished(self) -> str:
        return self._key("unfinished")

    def counts(self) -> str:
        return self._key("counts")

    def ended(self) -> str:
        return self._key("ended")

    def idempotency(self, owner: str, key_hash: str) -> str:
        return self._key("idempotency", owner, key_hash)

    def delivery(self, delivery_id: str) -> str:
        return self._key("delivery", delivery_id)

    def deliveries(self, owner: str, state: str) -> str:
        return self._key("deliveries", owner, state)

    def endpoint(self, endpoint_id: str) -> str:
        return self._key("endpoint", endpoint_id)

    def lane(self, pace: str) -> str:
        return self._key("lane", pace)

    def due(self, endpoint: str) -> str:
        return self._key("due", endpoint)

    def flying(self, endpoint: str) -> str:
        return self._key("flying", endpoint)

    def delivery_counts(self) -> str:
        return self._key("delivery_counts")

    def kept(self) -> str:
        return self._key("kept")

    def standing(self) -> str:
        return self._key("standing")

    def signing(self) -> str:
        return self._key("signing")

    def couriers(self) -> str:
        return self._key("couriers")

    def deliveries_channel(self) -> str:
        return self._key("deliveries")

    def voices(self) -> str:
        return self._key("voices")

    def api_keys(self) -> str:
        return self._key("keys")

    def waiting(self) -> str:
        return self._key("waiting")

    def spent(self, owner: str) -> str:
        return self._key("spent", owner)

    def sweeper(self) -> str:
        return self._key("sweeper")

    def events(self) -> str:
        return self._key("events")
