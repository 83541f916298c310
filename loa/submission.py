"""From what a client sent to an order: the rules of a submission, and what is written before a job exists.

Short text becomes its one segment here and now. Anything longer, and every upload, becomes a document in the artifact store, addressed by
its sha256: the same book sent twice is kept once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from loa.artifacts import Artifacts
from loa.casting import cast_of, pinned
from loa.errors import DocumentTooLarge, EmptyText, InvalidChapters, InvalidSpeed, TextTooLong
from loa.formats import format_named
from loa.idempotency import request_hash
from loa.jobs import DEFAULT_OWNER, Job, Lane, Order, new_job_id
from loa.plan import canonical_json, estimate
from loa.plan.pauses import Pauses, check_pauses
from loa.plan.planning import SHORT_TEXT, plan_text
from loa.plan.selection import check_selection
from loa.reading.encoding import decode
from loa.reading.guess import characters_of
from loa.reading.kinds import Kind, kind_of
from loa.reading.limits import Limits
from loa.saying.lexicon import Lexicon
from loa.settings import Settings
from loa.store import Idempotency, Jobs
from loa.text import normalise, speakable
from loa.voices import VoiceRegistry
from loa.webhooks.addresses import AllowList, check_url
from loa.webhooks.endpoints import Webhook

DEFAULT_VOICE = "joe"
DEFAULT_FORMAT = "wav"
SPEEDS = (0.5, 2.0)  # slowest, fastest
SAMPLE = "Words. " * 100  # whose length as audio is that of any text, for its characters
MOST_BYTES_A_CHARACTER = 4  # UTF-8 and UTF-32; nothing that people write text in takes more


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as the client sent it."""

    name: str  # its ending tells plain text from Markdown; nothing else of it means anything
    content: bytes

    @property
    def kind(self) -> Kind:
        """What the file is. Raises UnsupportedMediaType, UnreadableDocument."""
        return kind_of(self.content, self.name)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a client asks for: `text` or `file`, and how it shall be spoken."""

    text: str | None = None
    file: Upload | None = None
    voice: str | None = None  # None: the first of `voices`, else DEFAULT_VOICE
    voices: Mapping[str, str] = field(default_factory=dict)  # language → who takes over where the text is in it
    format: str = DEFAULT_FORMAT
    speed: float = 1.0
    lane: Lane | None = None  # None: interactive for text, bulk for a file
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    webhook: Webhook | None = None
    author: str | None = None  # instead of what the file says; so is `title`
    chapters: str = ""  # of a file: "3-7,9", "all", or "" for its body
    lexicon: Mapping[str, Any] = field(default_factory=dict)  # see loa.saying.lexicon
    pauses: Mapping[str, int] = field(default_factory=dict)  # name → ms, see loa.plan.pauses
    allow_partial: bool = False  # audio without the segments that cannot be spoken is better than none

    @property
    def main_voice(self) -> str:
        """Who speaks whatever is in no language of `voices`."""
        return self.voice or next(iter(self.voices.values()), DEFAULT_VOICE)

    def hash(self) -> str:
        """64 hex digits, the same for two submissions that ask for the same thing."""
        request = {name: getattr(self, name) for name in ("text", "format", "speed", "lane", "title", "metadata")}
        request["voice"] = self.main_voice
        # What is not asked for is left out, so that a request has the hash that it had before there was such a wish.
        wishes = {name: getattr(self, name) for name in ("voices", "author", "chapters", "lexicon", "pauses", "allow_partial")}
        request |= {name: wish for name, wish in wishes.items() if wish}
        if self.webhook is not None:
            request["webhook"] = {"url": self.webhook.url, "events": self.webhook.events}
        if self.file is None:
            return request_hash(request)
        return request_hash(request | {"kind": self.file.kind}, self.file.sha256)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A job that is in the store."""

    job_id: str
    job: Job | None = None  # as it was recorded; None: an earlier request with the same key made it


class Desk:
    """Takes submissions in. Threads may share one."""

    def __init__(self, voices: VoiceRegistry, artifacts: Artifacts, settings: Settings) -> None:
        """Raises InvalidLexicon for a LOA_LEXICON that cannot be used."""
        self._voices, self._artifacts, self._settings = voices, artifacts, settings
        self._allowed = AllowList.parse(settings.webhook_allow)
        self._lexicon = Lexicon.load(settings.lexicon)

    def order(self, submission: Submission, owner: str = DEFAULT_OWNER) -> Order:
        """A submission of an owner as an order that the store can record; its document, if it has one, is stored when this returns.

        Raises UnknownFormat, InvalidSpeed, InvalidWebhook, InvalidPauses, InvalidChapters, InvalidLexicon, InvalidVoices, UnknownVoice,
        VoiceNotInstalled, BrokenVoice, BrokenManifest, UnknownEngine, EmptyText, TextTooLong, UnsupportedMediaType, UnreadableDocument,
        DocumentTooLarge, StorageFull.
        """
        format_named(submission.format)
        if submission.webhook is not None:
            self.check_webhook(submission.webhook.url)
        slowest, fastest = SPEEDS
        if not (math.isfinite(submission.speed) and slowest <= submission.speed <= fastest):
            raise InvalidSpeed(f"speed is {submission.speed:g}; it takes {slowest:g} to {fastest:g}", least=slowest, most=fastest)
        check_pauses(submission.pauses)
        if submission.chapters:
            check_selection(submission.chapters)
            if submission.file is None:
                raise InvalidChapters("chapters goes with a file; a text is spoken whole")
        lexicon = Lexicon.parse(submission.lexicon)
        cast = cast_of(self._voices, submission.main_voice, submission.voices, owner)
        voice = cast.main.voice
        common: dict[str, Any] = {
            "id": new_job_id(),
            "owner": owner,
            "voice": voice.name,
            "fingerprint": cast.main.fingerprint,
            "engine": voice.engine,
            "language": cast.main.language,
            "voices": pinned(cast),
            "author": submission.author,
            "chapters": submission.chapters,
            "pauses": submission.pauses,
            "allow_partial": submission.allow_partial,
            "format": submission.format,
            "speed": float(submission.speed),
            "title": submission.title,
            "metadata": submission.metadata,
            "webhook": submission.webhook,
        }
        kept = partial(self._keep_lexicon, submission.lexicon)  # a job that is planned by a worker needs it
        if submission.file is not None:
            characters, path = self._read(submission.file)
            length = estimate(SAMPLE, voice.language, submission.speed) * characters / len(SAMPLE)
            return Order(
                kind="file", lane=submission.lane or "bulk", characters=characters, document=path, lexicon=kept(), estimate=length, **common
            )
        text = submission.text or ""
        if len(text) > self._settings.text_limit:
            raise TextTooLong(
                f"the text has {len(text):,} characters; the limit is {self._settings.text_limit:,}", limit=self._settings.text_limit
            )
        text = normalise(text)
        lane = submission.lane or "interactive"
        if len(text) <= SHORT_TEXT:
            pauses = Pauses.of(self._settings, submission.pauses)
            plan = plan_text(text, cast=cast, pauses=pauses, lexicon=lexicon.over(self._lexicon), speed=submission.speed)
            if len(plan.segments) == 1:
                (segment,) = plan.segments
                return Order(lane=lane, characters=len(text), segment=segment, estimate=segment.audio_seconds, **common)
        length = estimate(text, voice.language, submission.speed)
        document = self._keep(text.encode(), "txt")
        return Order(lane=lane, characters=len(text), document=document, lexicon=kept(), estimate=length, **common)

    def check_webhook(self, url: str) -> None:
        """Raises InvalidWebhook for what no webhook could be sent to. What a name leads to is checked when it is sent."""
        check_url(url, self._allowed)

    def submit(self, jobs: Jobs, submission: Submission, key: str | None = None, owner: str = DEFAULT_OWNER) -> Accepted:
        """Make a submission a job of `owner`. With a `key` (an Idempotency-Key) the same submission makes one job however often it is sent.

        Raises what `order` raises, IdempotencyConflict, LimitExceeded, Overloaded, StoreUnavailable.
        """
        idempotency = deadline = None
        if key is not None:
            idempotency = Idempotency(key_hash=hashlib.sha256(key.encode()).hexdigest(), request_hash=submission.hash())
            earlier, deadline = jobs.repeated(idempotency, owner)
            if earlier is not None:
                return Accepted(job_id=earlier)
        order = self.order(submission, owner)
        if deadline is None or order.document is not None:
            deadline = jobs.deadline()  # it is for the one write that makes the job: storing a document may have taken its time
        submitted = jobs.submit(order, deadline=deadline, idempotency=idempotency)
        created = submitted.created
        return Accepted(job_id=submitted.job_id, job=None if created is None else Job.accepted(order, created))

    def _read(self, upload: Upload) -> tuple[int, str]:
        """How many characters a file has, of a format that has to be read apart a guess, and the path where the file is kept."""
        kind, content = upload.kind, upload.content
        if kind in ("txt", "md"):
            characters = self._characters(content)
        else:
            most = Limits.of(self._settings).entry_bytes if kind == "html" else self._settings.file_limit
            if len(content) > most:
                raise DocumentTooLarge(f"the file has {len(content):,} bytes; the limit is {most:,}", limit=most)
            characters = min(characters_of(content, kind), self._settings.file_text_limit)
        return characters, self._keep(content, kind)

    def _characters(self, content: bytes) -> int:
        """How many characters a text has."""
        limit = self._settings.file_text_limit
        if len(content) > MOST_BYTES_A_CHARACTER * limit:
            raise TextTooLong(f"the file has more bytes than {limit:,} characters can take", limit=limit)
        text = decode(content)
        if len(text) > limit:
            raise TextTooLong(f"the file has {len(text):,} characters; the limit is {limit:,}", limit=limit)
        if not speakable(text):
            raise EmptyText("the file holds no letter and no digit")
        return len(text)

    def _keep_lexicon(self, lexicon: Mapping[str, Any]) -> str | None:
        return self._keep(canonical_json(lexicon), "lexicon") if lexicon else None

    def _keep(self, content: bytes, kind: str) -> str:
        path = f"documents/{hashlib.sha256(content).hexdigest()}.{kind}"
        self._artifacts.write(path, content)
        return path


def most_bytes(settings: Settings) -> int:
    """Bytes above which no file is taken, whatever it is."""
    return max(MOST_BYTES_A_CHARACTER * settings.file_text_limit, settings.file_limit)
