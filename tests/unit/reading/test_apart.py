"""A document is read in a process that may do nothing else, with the same answer as here."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from loa.errors import DocumentTooLarge, EmptyText, PartMissing, TextTooLong, UnreadableDocument, UnsupportedMediaType
from loa.reading import Limits, apart, read
from loa.reading.apart import read_apart
from tests.waiting import wait_until

NOVEL = "\n\n".join(f"Chapter {number}\n\n" + "Trời sáng rồi, và cô ấy đi ra chợ. " * 300 for number in range(1, 90))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "document"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_it_reads_what_would_be_read_here(file: Path, encoding: str) -> None:
    file.write_bytes(NOVEL.encode(encoding))
    assert read_apart(file, "novel.txt") == read(NOVEL.encode(), "novel.txt")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le café était fermé, nous étions à la plage. " * 9, "cp1252"),
        ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 5, "cp932"),
    ],
)
def test_older_encodings_are_known_to_a_process_that_can_load_nothing(file: Path, text: str, encoding: str) -> None:
    file.write_bytes(text.encode(encoding))
    assert read_apart(file).chapters[0].blocks[0].text == text.strip()


def test_a_kind_that_is_known_is_not_looked_for_again(file: Path) -> None:
    file.write_bytes(b"<!doctype html> begins a page.")
    assert read_apart(file, kind="txt").chapters[0].blocks[0].text == "<!doctype html> begins a page."


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", EmptyText, "no letter"),
        (b"\0", UnreadableDocument, "byte 0 is zero"),
        (b"\x7fELF", UnsupportedMediaType, "a program"),
        (b"a" * 1_001, TextTooLong, "1,001 characters; the limit is 1,000"),
    ],
)
def test_its_errors_are_those_that_would_be_raised_here(file: Path, content: bytes, error: type[Exception], words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        read_apart(file, limits=Limits(characters=1_000))
    assert type(caught.value) is error
    if error is TextTooLong:
        assert caught.value.details == {"characters": 1_001, "limit": 1_000}


def test_a_library_that_is_not_installed_is_not_the_document_s_fault(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(b"<p>Hello.</p>")
    without = "import sys; sys.modules['lxml'] = None; from loa.reading.__main__ import main; main(sys.argv[1])"
    monkeypatch.setattr(apart, "tethered", lambda command, last: [sys.executable, "-c", without, command[-1]])
    assert read_apart(file, kind="txt").chapters[0].blocks[0].text == "<p>Hello.</p>"
    with pytest.raises(PartMissing, match=r"needs lxml, .*: pip install 'loa\[documents\]'"):
        read_apart(file, "page.html")


def test_memory_has_a_limit(file: Path) -> None:
    file.write_bytes(NOVEL.encode())
    with pytest.raises(DocumentTooLarge, match="more than 2 MB of memory"):
        read_apart(file, limits=Limits(memory=2_000_000))


def test_time_has_a_limit_of_work_and_one_of_waiting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(b"a b " * 1_200_000)
    monkeypatch.setattr(apart, "WALL", 0.0)
    with pytest.raises(DocumentTooLarge, match="takes more than 60 s"):
        read_apart(file)


# --- the confined process ---------------------------------------------------------------------------------------------

CONFINED = """
import socket, subprocess, sys
from loa.reading.__main__ import confine
from loa.reading.limits import Limits
confine(Limits(seconds=1, memory=50_000_000))
try:
    {attempt}
except (OSError, MemoryError) as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("attempt", "outcome"),
    [
        ("open({canary!r})", "OSError"),
        ("open({canary!r}, 'w')", "OSError"),
        ("socket.create_connection(('127.0.0.1', {port}))", "OSError"),
        ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "OSError"),
        ("subprocess.run(['true'])", "OSError"),
        ("bytearray(60_000_000)", "MemoryError"),
        ("print(len(bytearray(30_000_000)))", "30000000"),
    ],
)
def test_it_can_open_nothing(tmp_path: Path, attempt: str, outcome: str) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("none of your business")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = CONFINED.format(attempt=attempt.format(canary=str(canary), port=listener.getsockname()[1]))
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stdout.strip()) == (0, outcome), ended.stderr
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert canary.read_text() == "none of your business"


def test_its_work_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", CONFINED.format(attempt="while True: pass")], capture_output=True, timeout=60)
    assert -ended.returncode in (signal.SIGXCPU, signal.SIGKILL)


def test_it_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_REDIS_URL", "redis://:secret@here")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert set(apart._environment()) <= {*apart.KEPT, "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUTF8", "OMP_NUM_THREADS"}


@pytest.mark.parametrize(
    ("program", "error", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", UnreadableDocument, "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", DocumentTooLarge, "more memory than there is"),
        ("import os; os.abort()", DocumentTooLarge, r"needs more than [\d,]+ MB of memory \(SIGABRT\)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTRAP)", DocumentTooLarge, r"needs more than [\d,]+ MB of memory \(SIGTRAP\)"),
        ("raise SystemExit(3)", UnreadableDocument, "exit code 3"),
        ("print('read\\n[]')", UnreadableDocument, "exit code 0"),
        ("print('read\\n[]\\nend')", UnreadableDocument, "damaged"),
        ("while True: print('read' * 100_000)", UnreadableDocument, "says more"),
        ("print('refused\\n{\"code\": \"unknown\", \"message\": \"m\", \"traceback\": \"where it was\"}\\nend')", UnreadableDocument, "m"),
    ],
)  # fmt: skip
def test_whatever_the_process_dies_of_is_an_error_with_words(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, program: str, error: type[Exception], words: str
) -> None:
    file.write_bytes(b"Hello.")
    monkeypatch.setattr(apart, "tethered", lambda command, last: [sys.executable, "-c", program])
    with caplog.at_level(logging.ERROR), pytest.raises(error, match=words) as caught:
        read_apart(file, limits=Limits(characters=1_000, blocks=10, entry_bytes=1_000))
    assert type(caught.value) is error
    assert ("where it was" in caplog.text) == ("traceback" in program)


def test_it_ends_with_the_process_that_asked(tmp_path: Path) -> None:
    pipe = tmp_path / "document"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: os.open(pipe, os.O_WRONLY), daemon=True)  # opens it, and never writes: the reader waits
    writer.start()
    program = f"from pathlib import Path; from loa.reading.apart import read_apart; read_apart(Path({str(pipe)!r}))"
    asking = psutil.Popen([sys.executable, "-c", program])
    wait_until(lambda: any("loa.reading" in child.cmdline() for child in asking.children()), 30, "the reader starts")
    (reader,) = asking.children()
    asking.kill()
    asking.wait()
    wait_until(lambda: not reader.is_running() or reader.status() == psutil.STATUS_ZOMBIE, 10, "the reader ends")
