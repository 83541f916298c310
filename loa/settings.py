"""Every setting of Loa: environment variable, unit, default and the reason for it.

`Settings.load()` reads the environment once; values travel as one frozen object. docs/settings.md is checked against this file by a test.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from loa.errors import InvalidSetting, InvalidWebhook
from loa.webhooks.addresses import AllowList, check_url
from loa.webhooks.signature import parse_secrets

LONGEST_DELAY = 86400  # seconds between two attempts at a delivery


def setting(default: Any, unit: str, reason: str, *, least: float | None = None, most: float | None = None, secret: bool = False) -> Any:
    """A field with its unit, its reason and, for numbers, the bounds that are enforced. No `repr` shows a `secret`."""
    return dataclasses.field(default=default, repr=not secret, metadata={"unit": unit, "reason": reason, "least": least, "most": most})


def _default_data_dir() -> str:
    return str(Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "loa")


@dataclass(frozen=True, kw_only=True)
class Settings:
    # --- where things are
    data_dir: str = setting("", "folder", "all that a single machine keeps: Redis data, artifacts, voices; default ~/.local/share/loa")
    redis_url: str = setting("", "URL", "absent: an embedded server in LOA_DATA_DIR is started by `loa up`", secret=True)
    artifacts: str = setting("", "folder or fsspec URL", "segments, audio and documents; default LOA_DATA_DIR/artifacts", secret=True)
    voices: str = setting("", "folders, separated by ':'", "more voice manifests beside those that come with Loa and LOA_DATA_DIR/voices")
    lexicon: str = setting("", "TOML file", "words with what is said for them, in every job; a job's own lexicon comes before it")
    url: str = setting("http://127.0.0.1:8298", "URL", "where the command line finds the server")
    api_key: str = setting("", "API key", "what the command line and the Python client show to a server that wants a key", secret=True)

    # --- API
    host: str = setting("127.0.0.1", "address", "loopback: without keys no other address is listened on")
    open: bool = setting(
        False, "true or false", "true: listen on other addresses without keys, too; whoever reaches the server may do everything"
    )
    names: str = setting(
        "", "host names, separated by blanks", "by which browsers may call a server without keys, beside localhost and addresses"
    )
    port: int = setting(8298, "port", "free of common services", least=0, most=65535)
    api_threads: int = setting(280, "threads", "200 clients in ?wait each hold one; the rest answer everything else", least=4, most=4000)
    text_limit: int = setting(1_000_000, "characters", "a long novel as JSON `input`", least=1)
    file_text_limit: int = setting(5_000_000, "characters", "the text of an uploaded file", least=1)
    file_limit: int = setting(
        100_000_000, "bytes", "an .epub, .docx or .pdf: a textbook full of pictures, which is held in memory while it is looked at", least=1
    )
    body_limit: int = setting(200_000_000, "bytes", "an uploaded file with its form", least=1024)
    submit_deadline: float = setting(
        0.8,
        "seconds",
        "a submit that Redis executes later than this is refused; the API gives up after 1 s, so a 503 leaves no job behind",
        least=0.1,
        most=0.9,
    )
    idempotency_hours: float = setting(48, "hours", "clients repeat within a day; twice that", least=24)
    job_retention_days: float = setting(30, "days", "records of ended jobs", least=0.0001)
    uploads_limit: int = setting(
        2_000_000_000, "bytes", "of large bodies on the disk at once, in each API process; beyond it they are refused with 503", least=1024
    )
    socket_timeout: int = setting(25, "seconds", "a slow client is cut after this, and surely within 30 s", least=1)
    cors_origins: str = setting("", "origins, separated by blanks", "web pages of other origins that may use this server; none by default")
    requests_per_minute: int = setting(
        6000,
        "requests a minute",
        "of one key, in each API process: a client that polls in a loop leaves room for others; 0: no limit",
        least=0,
    )
    audio_per_hour: float = setting(
        0.0, "seconds of audio an hour", "that one key may submit; 0: no limit, since the device's turns are shared fairly anyway", least=0
    )
    backlog_key: float = setting(
        360_000.0, "seconds of audio", "that may wait of one key: half of LOA_BACKLOG, so none locks the others out; 0: no limit", least=0
    )
    backlog: float = setting(
        720_000.0,
        "seconds of audio",
        "that may wait in all: 200 hours are 13 MB in Redis once planned, and days of work for a CPU; 0: no limit",
        least=0,
    )
    audio_days: float = setting(7, "days", "audio and timings of ended jobs: time enough to fetch them", least=0.0001)
    segment_cache_bytes: int = setting(
        10_000_000_000,
        "bytes",
        "about 60 hours of speech that need not be spoken twice; the least recently used goes first, what unfinished jobs need never",
        least=0,
    )
    sweep_seconds: float = setting(600, "seconds", "how often expired audio and unused segments are removed", least=0.05)
    redirect_downloads: bool = setting(
        True, "true or false", "audio in S3 is fetched there by a signed link; false: through the API, for clients that cannot reach it"
    )

    # --- pauses
    pause_sentence: int = setting(250, "ms", "of silence after a sentence, beside what the voice itself leaves", least=0, most=10_000)
    pause_paragraph: int = setting(600, "ms", "after a paragraph: one breath", least=0, most=10_000)
    pause_heading: int = setting(900, "ms", "before and after a heading, so that it stands apart", least=0, most=10_000)
    pause_chapter: int = setting(2000, "ms", "between two chapters, as audiobooks have it", least=0, most=10_000)

    # --- workers
    devices: str = setting("auto", "names, separated by ','", "auto: every CUDA device, else the CPU; or cpu, or cuda:0,cuda:1")
    processes: int = setting(
        1, "processes per device", "one process keeps a device busy; on a CPU one process with all threads beats two", least=1, most=64
    )
    engines: str = setting("", "names, separated by ','", "default: every engine that is installed")
    preload: str = setting("", "voices, separated by ','", "voices to load at start beside the common ones")
    threads: int = setting(0, "threads per process", "0: the machine's cores divided by its processes", least=0)
    warm: bool = setting(True, "true or false", "false: no warm-up, preload or voice cache; only for measuring what they are worth")
    loudness: float = setting(
        -19.0,
        "LUFS",
        "of books and longer texts: what audiobooks in mono have (one gain, no compression); 0: as the voice speaks",
        least=-40,
        most=0,
    )
    start_limit: float = setting(300, "seconds", "a worker process that is not hot by then has failed", least=1)
    batch_max: int = setting(64, "segments", "more brings nothing on any device that was measured", least=1, most=512)
    batch_seconds: float = setting(2.0, "seconds of compute", "a new sentence waits for one batch at most", least=0.01)
    batch_limit: float = setting(
        30.0, "seconds", "a batch that takes longer, and over 10 × its estimate, hangs: its process is replaced", least=0.5
    )
    task_seconds: float = setting(
        30.0, "seconds", "a task ends after this and wakes its successor, so shutdowns and limits stay simple", least=0.1
    )
    share_devices: bool = setting(False, "true or false", "true: another worker may use the same CUDA device; each slows the other down")
    viettts_precision: str = setting(
        "reference",
        "reference, float32 or bfloat16",
        "as the model was made: its language model in float16 on a GPU, with float16 weights and float32 sums on a CPU that has the "
        "means, else in float32. All but float32 has to stand a comparison at the start, and the log says which it is",
    )
    voice_cache_bytes: int = setting(
        2_000_000_000, "bytes per process", "about 30 medium voices; the least recently used goes first", least=1
    )
    drain_seconds: float = setting(20, "seconds", "SIGTERM: a running batch may take this long, then it is handed back", least=0)

    # --- webhooks
    webhook_secrets: str = setting(
        "",
        "secrets, newest first, separated by blanks",
        "receivers tell by them who sent a message; several while they are exchanged",
        secret=True,
    )
    webhook_allow: str = setting(
        "", "hosts, host:port or networks, separated by blanks", "what webhooks may reach beside public addresses; metadata services never"
    )
    webhook_timeout: float = setting(
        15.0, "seconds", "one attempt with all that belongs to it; a receiver answers first and works then", least=0.1, most=300
    )

    webhooks: str = setting("", "URLs, separated by blanks", "standing endpoints: they hear of the end of every job, whoever submitted it")
    webhook_schedule: str = setting(
        "0 5 300 1800 7200 18000 36000 50400 72000 86400",
        "seconds before each attempt, separated by blanks",
        "as Standard Webhooks has it: three days, with jitter; then the delivery is dead until somebody replays it",
    )

    # --- leases
    lease: float = setting(10.0, "seconds", "a worker that was silent for this long is lost", least=0.2)
    beat: float = setting(3.0, "seconds", "three beats fit into a lease", least=0.05)
    reconcile: float = setting(1.0, "seconds", "how often lost work is looked for", least=0.05)
    token: float = setting(2.0, "seconds", "a wake-up that nobody took by then is sent again", least=0.1)

    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR", "what the processes write to standard error")

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Read `LOA_*` from `environ` (default: the process's); `overrides` win. Raises InvalidSetting."""
        environ = os.environ if environ is None else environ
        kinds = get_type_hints(cls)
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            name = variable(field.name)
            raw = environ.get(name)
            if raw is not None and raw.strip() != "":
                values[field.name] = _parse(name, raw.strip(), kinds[field.name])
        values.update({key: value for key, value in overrides.items() if value is not None})
        loaded = cls(**values)
        data_dir = str(Path(loaded.data_dir or _default_data_dir()).expanduser().absolute())
        artifacts = loaded.artifacts or str(Path(data_dir) / "artifacts")
        loaded = dataclasses.replace(loaded, data_dir=data_dir, artifacts=artifacts)
        loaded._check()
        return loaded

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine reaches a server on LOA_HOST."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def environment(self) -> dict[str, str]:
        """The variables that make another process load these very settings."""
        pairs = ((variable(field.name), getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in pairs}

    @property
    def webhook_delays(self) -> tuple[float, ...]:
        """Seconds before each attempt at a delivery. Raises InvalidSetting."""
        try:
            delays = tuple(float(delay) for delay in self.webhook_schedule.split())
        except ValueError:
            delays = ()
        if not delays or not all(0 <= delay <= LONGEST_DELAY for delay in delays):
            raise InvalidSetting(f"LOA_WEBHOOK_SCHEDULE is {self.webhook_schedule!r}; it takes seconds from 0 to {LONGEST_DELAY}")
        return delays

    @property
    def standing_webhooks(self) -> tuple[str, ...]:
        """The URLs of LOA_WEBHOOKS. Raises InvalidSetting."""
        allowed = AllowList.parse(self.webhook_allow)
        try:
            for url in self.webhooks.split():
                check_url(url, allowed)
        except InvalidWebhook as error:
            raise InvalidSetting(f"LOA_WEBHOOKS: {error.message}") from None
        return tuple(dict.fromkeys(self.webhooks.split()))

    def _check(self) -> None:
        for field in dataclasses.fields(self):
            least, most = field.metadata["least"], field.metadata["most"]
            value = getattr(self, field.name)
            if (least is not None and value < least) or (most is not None and value > most):
                bounds = f"at least {least}" if most is None else f"{least} to {most}"
                raise InvalidSetting(f"{variable(field.name)} is {value}; it takes {bounds} ({field.metadata['unit']})")
        if self.beat * 3 > self.lease:
            raise InvalidSetting(f"LOA_BEAT is {self.beat} s and LOA_LEASE {self.lease} s; a lease must hold three beats")
        if not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise InvalidSetting("LOA_API_KEY holds what no key holds: blanks, control characters or letters outside ASCII")
        if self.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise InvalidSetting(f"LOA_LOG_LEVEL is {self.log_level!r}; it takes DEBUG, INFO, WARNING or ERROR")
        try:
            parse_secrets(self.webhook_secrets)
        except InvalidSetting as error:
            raise InvalidSetting(f"LOA_WEBHOOK_SECRETS: {error.message}") from None
        self.standing_webhooks, self.webhook_delays  # noqa: B018 - both raise


def variable(field_name: str) -> str:
    """The environment variable of a field: `data_dir` → `LOA_DATA_DIR`."""
    return f"LOA_{field_name.upper()}"


def _parse(name: str, raw: str, kind: type) -> Any:
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[raw.lower()]
        return kind(raw)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise InvalidSetting(f"{name} is {raw!r}; it takes {wanted}") from None
