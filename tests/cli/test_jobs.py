"""Commands about jobs: what they print, what they send, and their exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from loa.cli import jobs as commands
from loa.formats import FORMATS, Format
from tests.cli.small_server import AUDIO, JOB, SmallServer, cut, job_json, problem, refuse, voice_json
from tests.unit.reading.epub_maker import chapter, epub

Loa = Callable[..., Result]
FAILED = job_json(state="failed", error={"code": "worker_lost", "message": "three processes died at segment 3"})


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_the_extension_names_the_format(form: Format) -> None:
    assert commands.format_of(Path(f"Out.{form.extension.upper()}")) == form.name


class TestSay:
    def test_writes_the_file_and_says_so(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.flac"), "--voice", "joe", "--speed", "1.5")
        assert done.exit_code == 0, done.output
        assert (tmp_path / "out.flac").read_bytes() == AUDIO
        assert json.loads(server.seen[0][3]) == {"input": "Good morning.", "voice": "joe", "format": "flac", "speed": 1.5}
        assert done.stdout == f"{tmp_path / 'out.flac'}: 5.10 s of speech, 1.0 MB, in 0.35 s\n"

    def test_json_is_alone_on_standard_output(self, loa: Loa, tmp_path: Path) -> None:
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.wav"), "--json")
        assert json.loads(done.stdout)["state"] == "succeeded"
        assert "voice: joe (the default)" in done.stderr

    def test_reads_standard_input(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        done = loa("say", "-", "-o", str(tmp_path / "out.wav"), "--voice", "joe", stdin="Từ ống dẫn.\n")
        assert done.exit_code == 0, done.output
        assert json.loads(server.seen[0][3])["input"] == "Từ ống dẫn.\n"

    def test_follows_the_job_and_says_why_it_waits(
        self, loa: Loa, server: SmallServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.created = "queued"
        waiting = job_json("job_0", state="queued", waiting_reason="no hot worker for the engine vits")
        server.keys["this one"] = "job_0"
        server.jobs["job_0"] = [waiting, waiting, waiting, job_json("job_0")]
        monkeypatch.setattr("secrets.token_hex", lambda _: "this one")
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.wav"), "--voice", "joe")
        assert done.exit_code == 0, done.output
        assert done.stderr.count("waiting: no hot worker for the engine vits") == 1

    def test_a_failed_job(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        server.jobs["job_000000000000000000000000"] = [FAILED | {"id": "job_000000000000000000000000"}]
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.wav"), "--voice", "joe", "--json")
        assert done.exit_code == 1
        assert json.loads(done.stdout)["error"]["code"] == "worker_lost"
        *_, message, remedy = done.stderr.splitlines()
        assert message == "error: three processes died at segment 3"
        assert remedy.startswith("Look at the worker's log")
        assert not (tmp_path / "out.wav").exists()

    def test_waiting_times_out(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        server.created = "queued"
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.wav"), "--voice", "joe", "--timeout", "0")
        assert done.exit_code == 4
        assert "job_000000000000000000000000 is still queued" in done.stderr
        assert "loa wait" in done.stderr

    def test_ctrl_c_cancels_the_job(self, loa: Loa, server: SmallServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        server.created = "queued"
        monkeypatch.setattr(commands, "follow", interrupted)
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.wav"), "--voice", "joe")
        assert done.exit_code == 130
        assert server.paths("POST") == ["/v1/jobs", "/v1/jobs/job_000000000000000000000000/cancel"]

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (("-o", "out.xyz"), "should end in one of .wav, .flac"),
            (("-o", "no/such/folder/out.wav"), "there is no folder"),
            (("-o", "out.wav", "--speed", "3"), "is not in the range"),
            (("-o", "out.wav", "--format", "aiff"), "is not one of"),
            ((), "Missing option '-o'"),
        ],
    )
    def test_usage_is_checked_before_anything_is_sent(
        self, loa: Loa, server: SmallServer, arguments: tuple[str, ...], complaint: str
    ) -> None:
        done = loa("say", "Good morning.", *arguments)
        assert done.exit_code == 2
        assert complaint in done.stderr
        assert server.seen == []

    def test_the_servers_refusal_is_shown_with_its_remedy(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        server.faults = [refuse(404, problem("unknown_voice", "there is no voice 'jo'; close names: joe"))]
        done = loa("say", "Good morning.", "-o", str(tmp_path / "out.wav"), "--voice", "jo")
        assert done.exit_code == 1
        assert "error: there is no voice 'jo'; close names: joe\nChoose one of the voices that `loa voices list`" in done.stderr


class TestSubmit:
    def test_prints_the_id_and_nothing_else(self, loa: Loa, server: SmallServer) -> None:
        done = loa("submit", "Good morning.", "--voice", "joe", "--lane", "bulk", "--title", "Greeting")
        assert (done.exit_code, done.stdout) == (0, "job_000000000000000000000000\n")
        assert json.loads(server.seen[0][3]) == {"input": "Good morning.", "voice": "joe", "lane": "bulk", "title": "Greeting"}

    def test_a_key_submits_once(self, loa: Loa, server: SmallServer) -> None:
        first, second = (loa("submit", "Good morning.", "--voice", "joe", "--key", "greeting-1") for _ in range(2))
        assert first.stdout == second.stdout
        assert list(server.keys) == ["greeting-1"]

    def test_a_key_that_no_header_can_carry(self, loa: Loa, server: SmallServer) -> None:
        done = loa("submit", "Good morning.", "--voice", "joe", "--key", "khoá ế")
        assert done.exit_code == 1
        assert "printable ASCII" in done.stderr

    def test_a_file(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        (tmp_path / "book.txt").write_text("It was a dark night.")
        assert loa("submit", "--file", str(tmp_path / "book.txt")).exit_code == 0
        body = server.seen[-1][3]
        assert b'filename="book.txt"' in body
        assert b"It was a dark night." in body

    def test_the_voice_of_a_file_is_chosen_by_what_is_written_in_it(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        server.voices = [voice_json("quynh", "vi-VN")]
        (tmp_path / "book.epub").write_bytes(epub({"one.xhtml": chapter("Một", "Hôm nay trời đẹp quá, chúng ta đi Hà Nội nhé? " * 30)}))
        done = loa("submit", "--file", str(tmp_path / "book.epub"))
        assert done.exit_code == 0, done.output
        assert "voice: quynh (the text looks Vietnamese)" in done.stderr
        assert b'name="voice"\r\n\r\nquynh\r\n' in server.seen[-1][3]

    @pytest.mark.parametrize("arguments", [(), ("text", "--file", __file__)])
    def test_either_text_or_a_file(self, loa: Loa, arguments: tuple[str, ...]) -> None:
        done = loa("submit", *arguments)
        assert done.exit_code == 2
        assert "either TEXT or --file" in done.stderr


class TestStatus:
    def test_a_finished_job(self, loa: Loa, server: SmallServer) -> None:
        server.jobs[JOB] = [job_json(title="Greeting")]
        lines = dict(re.split(" {2,}", line.strip()) for line in loa("status", JOB).stdout.splitlines() if line.strip())
        assert lines["state"] == "succeeded"
        assert lines["title"] == "Greeting"
        assert lines["queued for"] == "4 ms"
        assert lines["audio"] == "5.10 s, 1.0 MB, 22050 Hz"
        assert "waiting" not in lines
        assert "error" not in lines

    def test_a_failed_job_is_an_answer(self, loa: Loa, server: SmallServer) -> None:
        server.jobs[JOB] = [FAILED]
        done = loa("status", JOB)
        assert done.exit_code == 0
        assert "three processes died at segment 3 (worker_lost)" in done.stdout

    def test_json(self, loa: Loa, server: SmallServer) -> None:
        server.jobs[JOB] = [job_json()]
        assert json.loads(loa("status", JOB, "--json").stdout) == job_json()

    def test_an_unknown_job(self, loa: Loa) -> None:
        done = loa("status", JOB)
        assert done.exit_code == 1
        assert done.stdout == ""
        assert "there is no job" in done.stderr


class TestWait:
    def test_with_a_file(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        server.jobs[JOB] = [job_json(state="queued"), job_json(state="speaking"), job_json()]
        server.faults = [lambda _: False] * 4 + [cut(100_000)]
        assert loa("wait", JOB, "-o", str(tmp_path / "out.wav")).exit_code == 0
        assert (tmp_path / "out.wav").read_bytes() == AUDIO

    def test_without_a_file(self, loa: Loa, server: SmallServer) -> None:
        server.jobs[JOB] = [job_json()]
        assert "succeeded" in loa("wait", JOB).stdout

    @pytest.mark.parametrize(
        ("job", "code", "message"),
        [
            (FAILED, 1, "three processes died"),
            (job_json(state="canceled"), 1, f"job {JOB} was canceled"),
            (job_json(state="queued"), 4, "is still queued after 0 s"),
        ],
    )
    def test_exit_codes(self, loa: Loa, server: SmallServer, job: dict, code: int, message: str) -> None:
        server.jobs[JOB] = [job]
        done = loa("wait", JOB, "--timeout", "0")
        assert done.exit_code == code
        assert message in done.stderr


def test_cancel(loa: Loa, server: SmallServer) -> None:
    server.jobs[JOB] = [job_json(state="queued")]
    assert loa("cancel", JOB).stdout == f"{JOB} is canceled\n"
    assert json.loads(loa("cancel", JOB, "--json").stdout)["state"] == "canceled"


class TestJobs:
    def test_a_table_that_a_pipe_can_read(self, loa: Loa, server: SmallServer) -> None:
        title = "A title that is much longer than any terminal would ever be wide, " * 3
        server.jobs = {JOB: [job_json(title=title)], "job_1": [job_json("job_1", state="failed")]}
        out = loa("jobs").stdout
        assert JOB in out
        assert title.strip() in out  # neither cut nor folded
        assert JOB not in loa("jobs", "--state", "failed").stdout

    def test_none(self, loa: Loa) -> None:
        done = loa("jobs", "--state", "failed")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "no jobs that are failed" in done.stderr
        assert json.loads(loa("jobs", "--json").stdout) == []

    def test_the_limit(self, loa: Loa, server: SmallServer) -> None:
        server.jobs = {f"job_{number}": [job_json(f"job_{number}")] for number in range(150)}
        assert len(json.loads(loa("jobs", "--json").stdout)) == 20
        assert len(json.loads(loa("jobs", "--json", "--limit", "130").stdout)) == 130
