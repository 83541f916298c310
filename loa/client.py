"""The Python client: submit text or a file, follow the job, fetch the audio.

    client = Client()                                   # LOA_URL, or http://127.0.0.1:8298
    job = client.wait(client.submit("Good morning.")["id"])
    client.download(job["id"], Path("morning.wav"))

Jobs, voices and workers are the JSON objects of the HTTP API as dicts; /docs on a server describes every field. What the server
refuses is raised as the same LoaError subclass that the server raised. Instances may be shared by threads.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from loa.errors import (
    ChecksumMismatch,
    InvalidRequest,
    InvalidSetting,
    JobNotFinished,
    LoaError,
    ServerUnreachable,
    UnknownDelivery,
    UnknownJob,
    UnknownVoice,
    WaitTimedOut,
    error_kinds,
)
from loa.multipart import Multipart
from loa.settings import Settings
from loa.states import TERMINAL

log = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds that a call goes on while the server is overloaded, restarting or without Redis
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0  # above what the server was asked to wait; its own answers take ≤ 3 s even when Redis is away
LONGEST_WAIT = 60.0  # seconds; the server's limit for one ?wait=
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds between attempts where the server names none
SEATLESS_PAUSE = 1.0  # seconds between two looks at a job where the server does not hold its answer
ELSEWHERE = 307  # status: the file lies where Location says
BLOCK = 256 * 1024  # bytes; most that is read of a download at once

Progress = Callable[[int, int], None]  # bytes there, bytes in all


class Client:
    """One Loa server."""

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`url` None means LOA_URL, `api_key` None LOA_API_KEY. Raises InvalidSetting for anything that is not an http(s) address."""
        settings = Settings.load(url=url or None, api_key=api_key)
        self.url = settings.url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise InvalidSetting(f"the server's address is {self.url!r}; it takes http://HOST:PORT or https://HOST")
        self._patience = patience
        self._sleep = sleep
        self._met = False  # whether this server has ever answered: a refused first connection is a wrong address, a later one a restart
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {})}
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=8, headers=headers)

    # --- jobs

    def submit(self, text: str, *, wait: float = 0.0, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Submit `text`; `fields` are those of POST /v1/jobs (voice, voices, format, speed, lane, title, metadata, lexicon, pauses, …);
        None means its default.

        Returns the job, ended if that took at most `wait` seconds. The submission carries an Idempotency-Key (`key`, or a fresh one) and is
        repeated with it while the server is overloaded or restarting, so it happens once however often it is sent.
        """
        body = json.dumps({"input": text, **_given(fields)}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": _key(key)}
        return self._json("POST", "/v1/jobs", body=lambda: body, headers=headers, wait=wait)

    def submit_file(self, path: Path, *, wait: float = 0.0, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Submit a document (.txt, .md, .html, .epub, .docx, .pdf), streamed from the disk; otherwise like `submit`.

        Raises OSError when it cannot be read.
        """
        form = Multipart(fields=_given(fields), file=path)
        headers = {"Content-Type": form.content_type, "Content-Length": str(form.length), "Idempotency-Key": _key(key)}
        return self._json("POST", "/v1/jobs", body=form.blocks, headers=headers, wait=wait)

    def get(self, job_id: str, *, wait: float = 0.0) -> dict[str, Any]:
        """The job as it is now, or as soon as it has ended within `wait` seconds. Raises UnknownJob."""
        return self._json("GET", _job(job_id), wait=wait)

    def watch(self, job_id: str, *, timeout: float | None = None, every: float = 1.0) -> Iterator[dict[str, Any]]:
        """The job every `every` seconds, the last one as soon as it has ended. Raises WaitTimedOut after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        job = self.get(job_id)
        yield job
        while not ended(job):
            asked = time.monotonic()
            left = every if deadline is None else deadline - asked
            if left <= 0:
                raise WaitTimedOut(f"job {job_id} is still {job['state']} after {timeout:g} s", job=job_id, state=job["state"])
            job = self.get(job_id, wait=min(every, left))
            early = min(every, left, SEATLESS_PAUSE) - (time.monotonic() - asked)
            if early > 0 and not ended(job):  # a server with too many waiters answers at once
                self._sleep(early)
            yield job

    def wait(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """The ended job, whether it succeeded, failed or was canceled. Raises WaitTimedOut after `timeout` seconds."""
        *_, job = self.watch(job_id, timeout=timeout, every=LONGEST_WAIT)
        return job

    def jobs(self, *, state: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Jobs, newest first, of one state or of all; pages are fetched as they are needed."""
        return self._pages("/v1/jobs", "jobs", {"state": state}, limit)

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Stop the job; one that has ended stays as it is. Returns the job. Raises UnknownJob."""
        return self._json("POST", f"{_job(job_id)}/cancel")

    def chapters(self, job_id: str) -> dict[str, Any]:
        """The chapters of a job's document, spoken or not, and what was left out. Raises UnknownJob, AudioExpired."""
        return self._json("GET", f"{_job(job_id)}/chapters")

    def preview(self, text: str, **fields: Any) -> dict[str, Any]:
        """What will be spoken of `text`: its segments with every change; `fields` are those of POST /v1/preview (language, voice, voices,
        lexicon). Raises EmptyText, InvalidRequest, …
        """
        body = json.dumps({"input": text, **_given(fields)}).encode()
        return self._json("POST", "/v1/preview", body=lambda: body, headers={"Content-Type": "application/json"})

    def download(self, job_id: str, target: Path, *, progress: Progress = lambda _there, _total: None) -> Path:
        """Write the audio of a succeeded job to `target`, which appears only when it is whole and its sha256 is right.

        A broken transfer goes on where it stopped, also in a later call: the part is kept beside the target. Raises the job's error if it
        failed, JobNotFinished, AudioExpired, ChecksumMismatch, OSError.
        """
        job = self.get(job_id)
        if (result := job["result"]) is None:
            raise error_of(job) or JobNotFinished(f"job {job_id} is {job['state']}", job=job_id, state=job["state"])
        part = target.with_name(f".{target.name}.{job_id}.part")
        for _ in range(2):  # a part of an earlier call may be damaged: then once more from the start
            self._fetch(result["audio_url"], part, result["bytes"], progress)
            with part.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest == result["sha256"]:
                part.replace(target)
                return target
            part.unlink()
        raise ChecksumMismatch(f"the audio of job {job_id} arrived with sha256 {digest}; the job says {result['sha256']}", job=job_id)

    # --- webhooks

    def deliveries(self, *, job: str | None = None, state: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Webhooks on their way, newest first; pages are fetched as they are needed."""
        return self._pages("/v1/deliveries", "deliveries", {"job": job, "state": state}, limit)

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """A delivery with its last attempts. Raises UnknownDelivery."""
        return self._json("GET", _delivery(delivery_id))

    def replay(self, delivery_id: str) -> dict[str, Any]:
        """Have a delivery sent again now; returns it. Raises UnknownDelivery."""
        return self._json("POST", f"{_delivery(delivery_id)}/replay")

    def test_webhook(self, url: str, *, timeout: float = 30.0) -> dict[str, Any]:
        """Have a test sent to `url`, and return its delivery when it is over. Raises InvalidWebhook, WaitTimedOut."""
        deadline = time.monotonic() + timeout
        body = json.dumps({"url": url}).encode()
        delivery = self._json("POST", "/v1/webhooks/test", body=lambda: body, headers={"Content-Type": "application/json"})
        while delivery["state"] == "pending":
            if time.monotonic() > deadline:
                raise WaitTimedOut(f"the test {delivery['id']} was not sent within {timeout:g} s; is `loa deliver` running?")
            self._sleep(FIRST_PAUSE)
            delivery = self.delivery(delivery["id"])
        return delivery

    # --- voices and operations

    def voices(self) -> list[dict[str, Any]]:
        """Every voice that the server knows, installed or not."""
        return self._json("GET", "/v1/voices")["voices"]

    def voice(self, name: str) -> dict[str, Any]:
        """One voice. Raises UnknownVoice."""
        return self._json("GET", _voice(name))

    def add_voice(self, name: str, recording: Path, **fields: Any) -> dict[str, Any]:
        """Add a voice from a recording; `fields` are those of POST /v1/voices (language, licence and consent, which it must have, title,
        commercial_use, engine); None means its default. Returns the voice. The very same voice may be added again.

        Raises VoiceExists, the error that says what is wrong with the recording, OSError when it cannot be read.
        """
        form = Multipart(fields={"name": name, **_given(fields)}, file=recording)
        headers = {"Content-Type": form.content_type, "Content-Length": str(form.length)}
        return self._json("POST", "/v1/voices", body=form.blocks, headers=headers)

    def remove_voice(self, name: str) -> None:
        """Remove an added voice with all that was made of its recording. Raises UnknownVoice, VoiceNotRemovable."""
        self._send("DELETE", _voice(name), headers={})

    def workers(self) -> dict[str, Any]:
        """`workers`: what each worker process announced; `queues`: what waits for them."""
        return self._json("GET", "/v1/workers")

    def ready(self) -> bool:
        """Whether a hot worker is there. Raises ServerUnreachable, or StoreUnavailable when the server has no Redis."""
        try:
            self._json("GET", "/readyz", patience=0)
        except LoaError as error:
            if error.code != "not_ready":
                raise
            return False
        return True

    # --- the wire

    def _pages(self, path: str, name: str, query: Mapping[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            page = self._json("GET", path, query=_given({**query, "cursor": cursor, "limit": min(left or 100, 100)}))
            yield from page[name]
            cursor = page.get("next_cursor")
            left = None if left is None else left - len(page[name])
            if not cursor:
                return

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Callable[[], Any] = lambda: None,
        headers: Mapping[str, str] | None = None,
        wait: float = 0.0,
        patience: float | None = None,
    ) -> Any:
        query = {**(query or {}), **({"wait": f"{min(wait, LONGEST_WAIT):.3f}"} if wait > 0 else {})}
        if query:
            path = f"{path}?{urlencode(query)}"
        response = self._send(method, path, body=body, headers=headers or {}, seconds=ANSWER_SECONDS + wait, patience=patience)
        try:
            return json.loads(response.data)
        except ValueError:
            raise ServerUnreachable(f"something answers at {self.url}, but it is not Loa ({method} {path} gave no JSON)") from None

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Callable[[], Any] = lambda: None,
        headers: Mapping[str, str],
        seconds: float = ANSWER_SECONDS,
        patience: float | None = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """One request, repeated within the client's patience: a submission carries its key, no other call changes anything twice."""
        deadline = time.monotonic() + (self._patience if patience is None else patience)
        pause = FIRST_PAUSE
        while True:
            failure: LoaError
            try:
                response = self._pool.request(
                    method,
                    self.url + path,
                    body=body(),
                    headers={**self._pool.headers, **headers},
                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
                    preload_content=not stream,
                    retries=False,
                )
            except HTTPError as error:
                failure = ServerUnreachable(f"no answer from {self.url}: {_cause(error)}", url=self.url)
                if not self._met and isinstance(error, (NewConnectionError, ConnectTimeoutError)):
                    raise failure from error
            else:
                self._met = True
                if response.status < 400:
                    return response
                failure = _refusal(response, self.url)
                named = _retry_after(response)
                if named is None:
                    raise failure
                pause = named
            if time.monotonic() + pause > deadline:
                raise failure
            log.warning("%s; trying again in %.1f s", failure.message, pause)
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _open(self, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """A file as a stream, from wherever the server says that it lies; whom it names hears nothing else of us."""
        response = self._send("GET", path, headers=headers, stream=True)
        if response.status != ELSEWHERE:
            return response
        response.release_conn()
        link = urljoin(self.url, response.headers["Location"])
        place = urlsplit(link).netloc
        try:
            response = self._pool.request("GET", link, headers=headers, timeout=ANSWER_SECONDS, preload_content=False, retries=False)
        except HTTPError as error:
            raise ServerUnreachable(f"the audio lies at {place}, where nobody answers: {_cause(error)}", url=place) from error
        if response.status >= 400:
            raise ServerUnreachable(f"the audio lies at {place}, which answered {response.status}", url=place)
        return response

    def _fetch(self, path: str, part: Path, total: int, progress: Progress) -> None:
        """Bring `part` to `total` bytes, from where it stands."""
        deadline = time.monotonic() + self._patience
        there = part.stat().st_size if part.exists() else 0
        if there > total:
            part.unlink()
            there = 0
        progress(there, total)
        while there < total:
            response = self._open(path, {"Range": f"bytes={there}-"} if there else {})
            try:
                with part.open("ab" if response.status == 206 else "wb") as file:
                    while block := response.read1(BLOCK):  # what has arrived; `stream` would drop the last block of a broken transfer
                        file.write(block)
                        progress(file.tell(), total)
                failure: Exception | None = None
            except HTTPError as error:
                failure = error
            finally:
                response.release_conn()
                response.close()
            grown = part.stat().st_size
            if grown > there:
                deadline = time.monotonic() + self._patience
            elif time.monotonic() > deadline:
                raise ServerUnreachable(f"the transfer from {self.url} stopped at {grown} of {total} bytes", url=self.url) from failure
            if failure is not None or grown <= there:
                self._sleep(FIRST_PAUSE)
            there = grown


def ended(job: Mapping[str, Any]) -> bool:
    """Whether the job will not change any more."""
    return job["state"] in TERMINAL


def error_of(job: Mapping[str, Any]) -> LoaError | None:
    """Why the job failed, as the error that it would have been here; None if it did not."""
    return None if job["error"] is None else _error(job["error"], job["error"].get("message", ""))


def _refusal(response: urllib3.BaseHTTPResponse, url: str) -> LoaError:
    """The error that an answer of 400 or more stands for."""
    try:
        problem = json.loads(response.data)  # reads the body of a streamed answer, too
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "code" not in problem:
        status = f"{response.status} {response.reason or ''}".rstrip()
        return ServerUnreachable(f"{url} answered {status}, which is not an answer of Loa", url=url)
    return _error(problem, problem.get("detail") or problem.get("title") or "")


def _error(problem: Mapping[str, Any], message: str) -> LoaError:
    code, details = str(problem["code"]), dict(problem.get("details") or {})
    kind = error_kinds().get(code)
    if kind is None:  # a newer server
        return LoaError(f"{message} ({code})", **details)
    return kind(message, **details)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds after which the server wants to see the request again; None when it does not."""
    header = response.headers.get("Retry-After", "")
    return float(header) if response.status in (429, 503) and header.isdigit() else None


def _cause(error: HTTPError) -> str:
    """The operating system's words where there are any: `Connection refused` rather than a chain of classes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error)


def _job(job_id: str) -> str:
    """The address of a job. Raises UnknownJob."""
    if _leads_elsewhere(job_id):
        raise UnknownJob(f"there is no job {job_id!r}", job=job_id)
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _delivery(delivery_id: str) -> str:
    """The address of a delivery. Raises UnknownDelivery."""
    if _leads_elsewhere(delivery_id):
        raise UnknownDelivery(f"there is no delivery {delivery_id!r}", delivery=delivery_id)
    return f"/v1/deliveries/{quote(delivery_id, safe='')}"


def _voice(name: str) -> str:
    """The address of a voice. Raises UnknownVoice."""
    if _leads_elsewhere(name):
        raise UnknownVoice(f"there is no voice {name!r}", voice=name)
    return f"/v1/voices/{quote(name, safe='')}"


def _leads_elsewhere(name: str) -> bool:
    """Whether a name would make the address of something else."""
    return name in ("", ".", "..") or "/" in name


def _key(given: str | None) -> str:
    """The Idempotency-Key of a submission. Raises InvalidRequest for what a header cannot carry."""
    if given is not None and not (given and given.isascii() and given.isprintable()):
        raise InvalidRequest(f"the idempotency key is {given!r}; it takes printable ASCII characters", field="Idempotency-Key")
    return given or secrets.token_hex(16)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
