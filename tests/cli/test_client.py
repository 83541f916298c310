"""The client against a server that refuses, breaks and restarts."""

from __future__ import annotations

import json
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

from loa.client import Client, ended, error_of
from loa.errors import (
    ChecksumMismatch,
    InvalidSetting,
    JobNotFinished,
    LimitExceeded,
    LoaError,
    ServerUnreachable,
    StoreUnavailable,
    TextTooLong,
    UnknownJob,
    UnknownVoice,
    WaitTimedOut,
    WorkerLost,
)
from tests.cli.small_server import AUDIO, JOB, SmallServer, cut, hang_up, hang_up_after_work, job_json, problem, refuse


@pytest.fixture
def pauses() -> list[float]:
    """Every pause that the client made between two attempts, in seconds."""
    return []


@pytest.fixture
def client(server: SmallServer, pauses: list[float]) -> Client:
    return Client(server.url, sleep=pauses.append)


def test_submit_sends_what_was_given_and_nothing_else(client: Client, server: SmallServer) -> None:
    job = client.submit("Good morning.", voice="joe", speed=None, title="Greeting")
    (_, path, headers, body), *_ = server.seen
    assert path == "/v1/jobs"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"input": "Good morning.", "voice": "joe", "title": "Greeting"}
    assert job["state"] == "queued"


def test_every_submission_has_a_key_of_its_own(client: Client, server: SmallServer) -> None:
    first, second = client.submit("one"), client.submit("two")
    assert first["id"] != second["id"]
    assert len(server.keys) == 2


def test_a_limit_is_waited_for_as_long_as_the_server_says(client: Client, server: SmallServer, pauses: list[float]) -> None:
    busy = problem("limit_exceeded", "100 hours wait", limit="LOA_BACKLOG_KEY", retry_after=5)
    server.faults = [refuse(429, busy, Retry_After="5"), refuse(503, problem("overloaded", "200 hours wait"), Retry_After="3")]
    assert client.submit("one")["state"] == "queued"
    assert pauses == [5.0, 3.0]
    server.faults = [refuse(429, problem("limit_exceeded", "100 hours wait", retry_after=600), Retry_After="600")]
    with pytest.raises(LimitExceeded) as caught:  # beyond its patience
        client.submit("two")
    assert caught.value.details["retry_after"] == 600
    assert pauses == [5.0, 3.0]


@pytest.mark.parametrize(
    "fault",
    [refuse(503, problem("store_unavailable", "Redis is away"), Retry_After="2"), hang_up, hang_up_after_work],
    ids=["refused", "broken before", "broken after the job was made"],
)
def test_a_repeated_submission_makes_one_job(client: Client, server: SmallServer, pauses: list[float], fault: object) -> None:
    server.faults = [fault, fault]  # type: ignore[list-item]
    job = client.submit("Good morning.")
    assert len(server.paths("POST")) == 3
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.seen}) == 1
    assert list(server.keys.values()) == [job["id"]]
    assert len(pauses) == 2


def test_the_server_says_how_long_to_pause(client: Client, server: SmallServer, pauses: list[float]) -> None:
    server.faults = [refuse(503, problem("store_unavailable", "Redis is away"), Retry_After="7")]
    client.submit("Good morning.")
    assert pauses == [7.0]


def test_patience_ends_with_the_servers_own_error(server: SmallServer, pauses: list[float]) -> None:
    away = refuse(503, problem("store_unavailable", "Redis is away"), Retry_After="20")
    server.faults = [away, away, away]
    with pytest.raises(StoreUnavailable, match="Redis is away"):
        Client(server.url, patience=10, sleep=pauses.append).submit("Good morning.")
    assert pauses == []  # 20 s are more than the 10 s that were left
    assert len(server.seen) == 1


def test_a_refused_connection_is_said_at_once(dead_url: str, pauses: list[float]) -> None:
    with pytest.raises(ServerUnreachable, match="Connection refused") as caught:
        Client(dead_url, sleep=pauses.append).submit("Good morning.")
    assert pauses == []
    assert "loa up" in caught.value.remedy()


@pytest.mark.parametrize("answer", [(200, "<html>Welcome to nginx</html>"), (502, "<html>Bad Gateway</html>"), (404, "{}")])
def test_what_is_not_loa_is_called_that(client: Client, server: SmallServer, answer: tuple[int, str]) -> None:
    server.faults = [refuse(*answer)]
    with pytest.raises(ServerUnreachable, match=r"not Loa|not an answer of Loa"):
        client.voices()


def test_a_problem_becomes_the_error_that_the_server_raised(client: Client, server: SmallServer) -> None:
    server.faults = [
        refuse(404, problem("unknown_voice", "there is no voice 'jo'", voice="jo", close=["joe"])),
        refuse(413, problem("text_too_long", "the text has 2,000,000 characters")),
        refuse(418, problem("from_the_future", "this server is newer")),
    ]
    with pytest.raises(UnknownVoice, match="there is no voice 'jo'") as caught:
        client.submit("x", voice="jo")
    assert caught.value.details == {"voice": "jo", "close": ["joe"]}
    with pytest.raises(TextTooLong):
        client.submit("x")
    with pytest.raises(LoaError, match=r"this server is newer \(from_the_future\)"):
        client.submit("x")


def test_only_http_addresses_are_taken() -> None:
    with pytest.raises(InvalidSetting, match="http://HOST:PORT"):
        Client("localhost:8298")


def test_the_address_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_URL", "http://elsewhere:1234/")
    assert Client().url == "http://elsewhere:1234"


def test_a_file_is_sent_as_a_form(client: Client, server: SmallServer, tmp_path: Path) -> None:
    book = tmp_path / 'a "book".md'
    book.write_text("# Chapter one\r\n\nĐây là một cuốn sách.", encoding="utf-8")
    server.faults = [hang_up]  # the file must be read again for the second attempt
    client.submit_file(book, voice="joe", speed=1.5, metadata={"shelf": 3}, lane=None)
    *_, (_, _, headers, body) = server.seen
    form = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    parts = {part.get_param("name", header="Content-Disposition"): part for part in form.get_payload() if isinstance(part, Message)}
    assert {name: part.get_payload() for name, part in parts.items() if name != "file"} == {
        "voice": "joe",
        "speed": "1.5",
        "metadata": '{"shelf": 3}',
    }
    assert parts["file"].get_payload(decode=True) == book.read_bytes()
    assert parts["file"].get_filename() == "a %22book%22.md"
    assert len(server.keys) == 1


def test_wait_returns_the_ended_job(client: Client, server: SmallServer) -> None:
    server.jobs[JOB] = [job_json(state="queued"), job_json(state="speaking"), job_json()]
    assert client.wait(JOB)["state"] == "succeeded"
    assert server.paths("GET") == [f"/v1/jobs/{JOB}"] + [f"/v1/jobs/{JOB}?wait=60.000"] * 2


def test_watch_yields_every_state_and_ends_with_the_last(client: Client, server: SmallServer) -> None:
    server.jobs[JOB] = [job_json(state="queued"), job_json(state="speaking"), job_json()]
    seen = list(client.watch(JOB, every=0.5))
    assert [job["state"] for job in seen] == ["queued", "speaking", "succeeded"]
    assert [ended(job) for job in seen] == [False, False, True]


def test_wait_survives_a_restart_of_the_server(client: Client, server: SmallServer, pauses: list[float]) -> None:
    server.jobs[JOB] = [job_json(state="speaking"), job_json()]
    server.faults = [lambda _: False, hang_up, hang_up, refuse(503, problem("store_unavailable", "not yet"), Retry_After="1")]
    assert client.wait(JOB)["state"] == "succeeded"
    assert len(pauses) == 3


def test_a_server_that_does_not_hold_its_answer_is_not_pressed(client: Client, server: SmallServer, pauses: list[float]) -> None:
    server.jobs[JOB] = [job_json(state="queued"), *[job_json(state="speaking")] * 5, job_json()]
    client.wait(JOB)
    assert len(pauses) == 5
    assert all(0.5 < pause <= 1.0 for pause in pauses)


def test_wait_times_out(client: Client, server: SmallServer) -> None:
    server.jobs[JOB] = [job_json(state="queued")]
    with pytest.raises(WaitTimedOut, match="is still queued after 0 s"):
        client.wait(JOB, timeout=0)


@pytest.mark.parametrize("job_id", [JOB, "../../etc/passwd", "", ".", "..", "a b", "ế", "%2e%2e"])
def test_an_unknown_job(client: Client, job_id: str) -> None:
    with pytest.raises(UnknownJob):
        client.get(job_id)


@pytest.mark.parametrize("name", ["Joey", "../workers", "", ".."])
def test_an_unknown_voice(client: Client, name: str) -> None:
    with pytest.raises(UnknownVoice):
        client.voice(name)


def test_jobs_are_fetched_page_by_page(client: Client, server: SmallServer) -> None:
    server.jobs = {f"job_{number:024x}": [job_json(f"job_{number:024x}")] for number in range(250)}
    assert [job["id"] for job in client.jobs()] == list(server.jobs)
    assert len(server.seen) == 3
    assert len(list(client.jobs(limit=120))) == 120
    assert list(client.jobs(state="failed")) == []


def test_cancel(client: Client, server: SmallServer) -> None:
    server.jobs[JOB] = [job_json(state="queued")]
    assert client.cancel(JOB)["state"] == "canceled"


@pytest.mark.parametrize("hot", [True, False])
def test_ready_asks_once(client: Client, server: SmallServer, pauses: list[float], hot: bool) -> None:
    server.hot = hot
    assert client.ready() is hot
    assert pauses == []


def test_error_of_a_failed_job() -> None:
    failed = job_json(state="failed", error={"code": "worker_lost", "message": "three processes died"})
    assert isinstance(error_of(failed), WorkerLost)
    assert error_of(job_json()) is None


class TestDownload:
    def test_whole(self, client: Client, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json()]
        told: list[tuple[int, int]] = []
        target = client.download(JOB, tmp_path / "out.wav", progress=lambda there, total: told.append((there, total)))
        assert target.read_bytes() == AUDIO
        assert told[0] == (0, len(AUDIO))
        assert told[-1] == (len(AUDIO), len(AUDIO))
        assert list(tmp_path.iterdir()) == [target]

    def test_a_broken_transfer_goes_on_where_it_stopped(self, client: Client, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json()]
        server.faults = [lambda _: False, cut(300_000), cut(200_000)]
        assert client.download(JOB, tmp_path / "out.wav").read_bytes() == AUDIO
        asked = [headers.get("Range") for _, path, headers, _ in server.seen if path.endswith("/audio")]
        assert asked == [None, "bytes=300000-", "bytes=500000-"]

    def test_a_later_call_goes_on_where_an_earlier_one_stopped(self, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json()]
        server.faults = [lambda _: False, cut(300_000), *[cut(0)] * 50]
        with pytest.raises(ServerUnreachable, match="stopped at 300000 of 1048576 bytes"):
            Client(server.url, patience=0, sleep=lambda _: None).download(JOB, tmp_path / "out.wav")
        assert not (tmp_path / "out.wav").exists()
        server.faults.clear()
        server.seen.clear()
        Client(server.url).download(JOB, tmp_path / "out.wav")
        assert (tmp_path / "out.wav").read_bytes() == AUDIO
        assert [headers.get("Range") for _, path, headers, _ in server.seen if path.endswith("/audio")] == ["bytes=300000-"]

    def test_a_proxy_without_ranges_costs_a_fresh_start_only(self, client: Client, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json()]
        server.ranges = False
        server.faults = [lambda _: False, cut(300_000)]
        assert client.download(JOB, tmp_path / "out.wav").read_bytes() == AUDIO

    @pytest.mark.parametrize("rubbish", [b"x" * 1000, b"x" * (len(AUDIO) + 1), b"x" * len(AUDIO)], ids=["shorter", "longer", "equal"])
    def test_a_damaged_part_is_thrown_away(self, client: Client, server: SmallServer, tmp_path: Path, rubbish: bytes) -> None:
        server.jobs[JOB] = [job_json()]
        (tmp_path / f".out.wav.{JOB}.part").write_bytes(rubbish)
        assert client.download(JOB, tmp_path / "out.wav").read_bytes() == AUDIO

    def test_wrong_audio_never_reaches_the_target(self, client: Client, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json()]
        server.audio = bytes(len(AUDIO))
        (tmp_path / "out.wav").write_bytes(b"what was there before")
        with pytest.raises(ChecksumMismatch):
            client.download(JOB, tmp_path / "out.wav")
        assert (tmp_path / "out.wav").read_bytes() == b"what was there before"
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_job_without_audio(self, client: Client, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json(state="speaking")]
        with pytest.raises(JobNotFinished, match="is speaking"):
            client.download(JOB, tmp_path / "out.wav")
        server.jobs[JOB] = [job_json(state="failed", error={"code": "worker_lost", "message": "three processes died"})]
        with pytest.raises(WorkerLost, match="three processes died"):
            client.download(JOB, tmp_path / "out.wav")
