"""What the tests of the API share: a worker that the test plays, real server processes, and raw HTTP where a client would be too polite."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loa.artifacts import Artifacts
from loa.errors import LoaError
from loa.keys import ASSEMBLE, PLAN, speak
from loa.settings import Settings
from loa.store import Batch, Slot, Spoilt, Spoken, Store
from tests.waiting import wait_until

SPEAK = speak("sine")
QUEUES = (SPEAK, PLAN, ASSEMBLE)
SAID = {"index": 0, "text": "Hi <you>.", "start": 0.0, "end": 0.5, "words": [{"text": "Hi", "start": 0.1, "end": 0.4, "offset": 0}]}
MAIN = "import sys; from api.server import main; sys.exit(main())"


def tone(seconds: float = 0.5, rate: int = 8000) -> bytes:
    """A small WAV file with something in it, so that every part of it differs."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join((index * 37 % 32768).to_bytes(2, "little") for index in range(int(seconds * rate))))
    return buffer.getvalue()


class Player:
    """A worker as the store sees one: hot, and able to bring jobs to any state."""

    def __init__(self, store: Store, artifacts: Artifacts, slot: str = "stage/0") -> None:
        self.store, self.artifacts, self.slot = store, artifacts, slot

    def announce(self, state: str = "hot", queues: tuple[str, ...] = QUEUES) -> None:
        self.store.slots.announce(
            Slot(
                id=self.slot,
                state=state,  # type: ignore[arg-type]
                queues=queues,
                pid=1,
                host="stage",
                device="cpu",
                device_uuid="cpu",
                engines=("sine",),
                voices=("sine",),
                steps={"load": 0.5},
            )
        )

    def claim(self, queue: str = SPEAK) -> Batch:
        batch = self.store.claims.claim(queue, self.slot, most=8, seconds=2.0, rate=0.01)
        assert isinstance(batch, Batch), batch
        return batch

    def speak(self) -> str:
        """Speak the next one-segment job; returns its id. Its assembly waits then."""
        batch = self.claim()
        (item,) = self.store.claims.start(batch.claim, batch.items)
        self.store.claims.record(batch.claim, [Spoken(item=item, audio_seconds=0.5, synthesis_seconds=0.01)])
        return item.job_id

    def spoil(self) -> None:
        """Speak the next one-segment job, in vain."""
        batch = self.claim()
        (item,) = self.store.claims.start(batch.claim, batch.items)
        self.store.claims.spoil(batch.claim, [Spoilt(item=item, text="Text.", reason="silence")])

    def finish(self, audio: bytes | None = None, **more: Any) -> str:
        """Speak the next one-segment job and publish it, with `more` in its result; returns its id."""
        job_id = self.speak()
        batch = self.store.claims.claim(ASSEMBLE, self.slot, most=99, seconds=1e6, rate=1.0)
        assert isinstance(batch, Batch)
        others = [item for item in batch.items if item.job_id != job_id]
        self.store.claims.hand_back(batch.claim, others)
        audio = audio or tone()
        folder = f"jobs/{job_id}/{batch.claim}"
        timings = {"job": job_id, "sample_rate": 8000, "duration_seconds": 0.5, "words_timed": True, "segments": [SAID]}
        self.artifacts.write(f"{folder}/audio.wav", audio)
        self.artifacts.write(f"{folder}/timings.json", json.dumps(timings).encode())
        result = {
            "path": f"{folder}/audio.wav",
            "timings": f"{folder}/timings.json",
            "duration_seconds": 0.5,
            "sample_rate": 8000,
            "bytes": len(audio),
            "sha256": hashlib.sha256(audio).hexdigest(),
            **more,
        }
        assert self.store.claims.finish(batch.claim, job_id, result)
        return job_id

    def fail(self, error: LoaError) -> str:
        batch = self.claim()
        assert self.store.claims.fail(batch.claim, batch.items[0], error)
        return batch.items[0].job_id


# --- real server processes ------------------------------------------------------------------------------------------


@dataclass
class Served:
    """A server process and its address."""

    process: subprocess.Popen[str]
    host: str
    port: int
    log: list[str]
    ended: threading.Event  # its log is at its end

    def connect(self, timeout: float = 30.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, timeout: float = 30.0) -> Reply:
        """One request on a connection of its own; a body that is no bytes goes as JSON."""
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        with contextlib.closing(self.connect(timeout)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, dict(response.headers), response.read())

    def socket(self, timeout: float = 30.0) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def raw(self, request: bytes, timeout: float = 30.0) -> Reply:
        """Send bytes as they are and read the answer, even if the server refuses them half-way."""
        with self.socket(timeout) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Reply(response.status, dict(response.headers), response.read())

    def text(self) -> str:
        return "".join(self.log)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@contextlib.contextmanager
def serve(settings: Settings, seconds: float = 20.0) -> Iterator[Served]:
    """A server process on a free port, stopped with SIGTERM at the end; it must end with 0."""
    environment = {**os.environ, **settings.environment(), "LOA_PORT": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "error", "-c", MAIN]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        log: list[str] = []
        ended = threading.Event()

        def read() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                log.append(line)  # noqa: PERF402 - seen by the test while the process still writes
            ended.set()

        threading.Thread(target=read, daemon=True).start()
        try:
            wait_until(lambda: ended.is_set() or any("listening on" in line for line in log), seconds)
            found = re.search(r"listening on http://([\d.]+):(\d+)", "".join(log))
            assert found is not None, "".join(log)
            yield Served(process, found[1], int(found[2]), log, ended)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, "".join(log)
        finally:
            process.kill()
