"""A real server process: its start, its limits, slow clients, its end."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import redis

from api.schemas import JobJson
from api.service import Service
from loa.api_keys import new_key
from loa.settings import Settings
from tests.api.stage import SPEAK, Player, Served, serve, tone
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
FOREIGN = ("torch", "torchaudio", "onnx", "onnxruntime", "piper", "worker", "numpy", "soundfile", "celery", "kombu")


def test_the_application_imports_neither_torch_nor_the_worker_nor_anything_slow() -> None:
    script = "import sys, api.server; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in found.stdout.split()} & set(FOREIGN)


def test_from_text_to_audio(served: Served, player: Player) -> None:
    player.announce()
    audio = tone(30)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(served.call("POST", "/v1/jobs?wait=30", {"input": "Hello.", "voice": "sine"})))
    thread.start()
    wait_until(lambda: player.store.slots.backlog().get(SPEAK, {}).get("ready_segments"))
    player.finish(audio)
    thread.join(10)
    (answer,) = answers
    assert answer.status == 200
    job = JobJson.model_validate(answer.json())
    assert job.result is not None
    assert job.timings.total_seconds < 10
    whole = served.call("GET", job.result.audio_url)
    assert (whole.status, whole.content) == (200, audio)
    part = served.call("GET", job.result.audio_url, headers={"Range": "bytes=100000-400000"})
    assert (part.status, part.content) == (206, audio[100_000:400_001])
    head = served.call("HEAD", job.result.audio_url)
    assert (head.status, head.content, head.headers["Content-Length"]) == (200, b"", str(len(audio)))


def test_a_submission_wakes_a_worker(served: Served, player: Player, redis_url: str) -> None:
    player.announce()
    served.call("POST", "/v1/jobs", {"input": "Hello.", "voice": "sine"})
    with redis.Redis.from_url(redis_url) as broker:
        wait_until(lambda: broker.llen(SPEAK) == 1)
        message = broker.lpop(SPEAK)
    assert b'"task": "loa.speak"' in message
    assert b'"expires": "' in message


def test_lost_work_is_found_by_the_api_process(served: Served, player: Player, redis_url: str) -> None:
    """Nobody takes the first wake-up: the reconciler of the API sends another."""
    player.announce()
    served.call("POST", "/v1/jobs", {"input": "Hello.", "voice": "sine"})
    with redis.Redis.from_url(redis_url) as broker:
        wait_until(lambda: broker.lpop(SPEAK))
        player.store.database.client.delete(player.store.database.keys.tokens(SPEAK))
        wait_until(lambda: broker.lpop(SPEAK))


# --- slow clients and waiting clients -------------------------------------------------------------------------------


def test_health_answers_while_200_wait_and_200_are_slow(settings: Settings, service: Service) -> None:
    with serve(dataclasses.replace(settings, socket_timeout=60)) as served, contextlib.ExitStack() as stack:
        job_id = served.call("POST", "/v1/jobs", {"input": "Hello.", "voice": "sine"}).json()["id"]
        waiting = [stack.enter_context(served.socket()) for _ in range(200)]
        for connection in waiting:
            connection.sendall(f"GET /v1/jobs/{job_id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for _ in range(200):
            slow = stack.enter_context(served.socket())
            slow.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-")
        seconds = []
        for _ in range(60):
            began = time.monotonic()
            assert served.call("GET", "/healthz").status == 200
            seconds.append(time.monotonic() - began)
        p95 = statistics.quantiles(seconds, n=20)[-1]
        assert p95 <= 1.0, sorted(seconds)
        # And all 200 did wait: they are answered together by one cancellation.
        for connection in waiting:
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)
            connection.settimeout(10)
        assert served.call("POST", f"/v1/jobs/{job_id}/cancel").json()["state"] == "canceled"
        for connection in waiting:
            assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nX-", id="half a header"),
        pytest.param(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", id="half a body"),
    ],
)
@pytest.mark.parametrize("drips", [False, True])
def test_a_slow_socket_is_cut(settings: Settings, request_: bytes, drips: bool) -> None:
    with serve(dataclasses.replace(settings, socket_timeout=1)) as served, served.socket(0.2) as slow:
        began = time.monotonic()
        slow.sendall(request_)
        while time.monotonic() - began < 15:
            with contextlib.suppress(TimeoutError):
                try:
                    if slow.recv(100) == b"":
                        break
                except ConnectionResetError:
                    break
            if drips and request_:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    slow.sendall(b"a")
        assert 0.5 < time.monotonic() - began < 6
        assert served.call("GET", "/healthz").status == 200


def test_a_slow_upload_that_goes_on_is_not_cut(settings: Settings) -> None:
    """Above the least rate a body may take longer than the timeout."""
    body = b'{"input": "Hello.", "voice": "sine", "title": "' + b"x" * 200 + b'"}' + b" " * 120_000
    with serve(dataclasses.replace(settings, socket_timeout=1)) as served, served.socket() as slow:
        slow.sendall(f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        began = time.monotonic()
        sent = 0
        while sent < len(body):  # 40 kB/s: twice the least rate, three seconds in all
            if sent <= (time.monotonic() - began) * 40_000:
                sent += slow.send(body[sent : sent + 4_000])
        assert time.monotonic() - began > 2
        assert slow.recv(12) == b"HTTP/1.1 202"


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def limited(settings: Settings) -> Settings:
    return dataclasses.replace(settings, body_limit=1_000_000)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_refused_early_and_takes_no_memory(limited: Settings, chunked: bool) -> None:
    with serve(limited) as served:
        assert served.call("GET", "/healthz").status == 200
        before = psutil.Process(served.process.pid).memory_info().rss
        block = b"a" * 65_536
        with served.socket() as connection:
            length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000000"
            connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + length + b"\r\n\r\n")
            began = time.monotonic()
            for _ in range(1_500):  # 100 MB: a client that does not listen while it sends
                try:
                    connection.sendall(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
                except (BrokenPipeError, ConnectionResetError):
                    break
            answer = connection.recv(65_536).decode()
        assert answer.startswith("HTTP/1.1 413 ")
        assert "application/problem+json" in answer
        assert '"code": "body_too_large"' in answer
        assert time.monotonic() - began < 5
        assert psutil.Process(served.process.pid).memory_info().rss - before < 20_000_000


def test_a_refusal_comes_before_the_body(limited: Settings) -> None:
    with serve(limited) as served, served.socket(2) as connection:
        connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000001\r\n\r\n")
        began = time.monotonic()
        assert connection.recv(12) == b"HTTP/1.1 413"
        assert time.monotonic() - began < 1


def test_a_body_of_just_the_limit_is_read(limited: Settings) -> None:
    with serve(limited) as served:
        body = b'{"input": "Hello.", "voice": "sine"}'.ljust(1_000_000)
        assert served.call("POST", "/v1/jobs", body, {"Content-Type": "application/json"}).status == 202


def test_a_chunked_body_is_read(served: Served) -> None:
    body = b'{"input": "Hello.", "voice": "sine"}'
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert served.raw(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)).status == 202


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "malformed_http"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "malformed_http"),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400, "malformed_http"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"POST /v1/jobs HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "unsupported_http"),
        (b"GET /\xff\xfe/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed_http"),
        (b"BREW /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    ],
)
def test_what_is_hardly_http_gets_a_problem_document_too(served: Served, request_: bytes, status: int, code: str) -> None:
    reply = served.raw(request_)
    assert (reply.status, reply.headers["Content-Type"]) == (status, "application/problem+json")
    assert reply.json()["code"] == code
    assert reply.headers["Server"] == "loa"


# --- start and end --------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_said(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        script = "from api.server import main; main()"
        environment = settings.environment() | {"LOA_PORT": str(taken.getsockname()[1]), "PYTHONPATH": str(ROOT)}
        ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "PortInUse" in ended.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name"])
def test_an_address_of_another_machine_is_said(settings: Settings, host: str) -> None:
    script = "from api.server import main; main()"
    environment = settings.environment() | {"LOA_HOST": host, "LOA_PORT": "0", "LOA_OPEN": "true", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "InvalidSetting" in ended.stderr
    assert host in ended.stderr.splitlines()[-1]


def test_another_address_than_loopback_is_warned_of(settings: Settings) -> None:
    with serve(dataclasses.replace(settings, host="0.0.0.0", open=True)) as served:
        assert "anyone who reaches" in served.text()


def test_without_keys_it_listens_on_no_address_that_others_reach(settings: Settings, service: Service) -> None:
    exposed = dataclasses.replace(settings, host="0.0.0.0")
    environment = exposed.environment() | {"LOA_PORT": "0", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-m", "loa", "api"], env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "error: others may reach LOA_HOST 0.0.0.0, and no keys are configured" in ended.stderr
    assert "loa keys create NAME" in ended.stderr
    assert "listening" not in ended.stderr
    key, secret = new_key("test")
    service.store.credentials.add(key)
    with serve(exposed) as served:
        assert served.call("GET", "/v1/jobs").status == 401
        assert served.call("GET", "/v1/jobs", headers={"Authorization": f"Bearer {secret}"}).status == 200
        assert secret[-43:] not in served.text()


def test_no_word_of_a_key_is_in_the_log(settings: Settings, service: Service) -> None:
    key, secret = new_key("test")
    service.store.credentials.add(key)
    with serve(dataclasses.replace(settings, log_level="DEBUG", api_key=secret)) as served:
        for path in ("/v1/jobs", "/v1/jobs/x", "/v1/jobs?limit=x"):
            served.call("GET", path, headers={"Authorization": f"Bearer {secret}"})
            served.call("GET", path, headers={"Authorization": f"Bearer {secret}A"})
        served.raw(f"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\nno colon\r\n\r\n".encode())
        assert served.text()
        assert secret[-43:] not in served.text()


def test_sigterm_lets_waiting_requests_go_with_an_answer(settings: Settings, service: Service) -> None:
    with serve(settings) as served, contextlib.ExitStack() as stack:
        job_id = served.call("POST", "/v1/jobs", {"input": "Hello.", "voice": "sine"}).json()["id"]
        waiting = [stack.enter_context(served.socket()) for _ in range(5)]
        idle = stack.enter_context(served.socket())
        for connection in waiting:
            connection.sendall(f"GET /v1/jobs/{job_id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda: len(psutil.Process(served.process.pid).net_connections()) >= 6)
        served.call("GET", "/healthz")
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        for connection in waiting:
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert served.process.wait(10) == 0
        assert time.monotonic() - began < 5
        assert idle.recv(1) == b""
