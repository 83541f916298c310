"""What a log line may do to whoever reads it: nothing. And what it may tell: no password, no token."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

import pytest

from loa.logs import FORMAT, Lines, visible
from loa.settings import Settings
from loa.urls import shown

FORGED = "all is well\n2026-01-01 00:00:00,000 INFO    api.server: listening on http://evil\x1b[2J\u202etxt.exe"


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Lines(FORMAT))
    logger = logging.getLogger("loa.test.lines")
    logger.setLevel(logging.DEBUG)
    logger.handlers, logger.propagate = [], False
    logger.addHandler(handler)
    return logger, written


def test_an_event_is_one_line_whatever_is_in_it(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.info("a job named %s", FORGED)
    (line,) = written.getvalue().splitlines()
    assert r"all is well\n2026" in line
    assert r"\x1b[2J\u202etxt" in line


def test_a_traceback_cannot_forge_an_event(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    try:
        raise ValueError(FORGED)
    except ValueError:
        logger.exception("it failed")
    first, *rest = written.getvalue().splitlines()
    assert first.endswith("it failed")
    assert len(rest) > 3
    assert all(line.startswith("    | ") for line in rest)
    assert "\x1b" not in written.getvalue()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Trời sáng rồi, ngày 5.", "Trời sáng rồi, ngày 5."),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x00\x07\x9b31m\x7f", r"\x00\x07\x9b31m\x7f"),
        ("\u2028\u2066\u200b\ufeff", r"\u2028\u2066\u200b\ufeff"),
        ("\ud800\U000e0041", r"\ud800\U000e0041"),
    ],
)
def test_what_controls_or_hides_is_shown_as_an_escape(text: str, plain: str) -> None:
    assert visible(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("redis://:hunter2@db:6379/0", "redis://***@db:6379/0"),
        ("rediss://user:hun%40ter2@db/0?ssl_ca_certs=x&password=hunter2", "rediss://***@db/0?***"),
        ("unix:///run/loa.sock?db=0", "unix:///run/loa.sock?db=0"),
        ("unix:///run/loa.sock?db=0&password=hunter2", "unix:///run/loa.sock?***"),
        ("https://a.example/hook?token=hunter2#hunter2", "https://a.example/hook?***"),
        ("https://a.example/#hunter2", "https://a.example/?***"),
        ("s3://AKIA:hunter2@bucket/loa", "s3://***@bucket/loa"),
        (
            "cannot reach 'http://u:hunter2@h/x?y=hunter2' (twice: http://h?hunter2)",
            "cannot reach 'http://***@h/x?***' (twice: http://h?***",
        ),
        ("nothing: a@b.example, c?d", "nothing: a@b.example, c?d"),
    ],
)
def test_a_url_is_shown_without_its_secrets(text: str, plain: str) -> None:
    assert shown(text) == plain


def test_a_long_line_of_almost_urls_takes_no_time() -> None:
    assert shown("a://" * 100_000 + "?" * 100_000)


def test_logging_hides_what_urls_carry(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    try:
        raise OSError("no route to redis://:hunter2@db")
    except OSError:
        logger.exception("connecting to %s", "redis://:hunter2@db")
    assert "hunter2" not in written.getvalue()


def test_libraries_speak_only_when_something_is_wrong_even_at_debug() -> None:
    script = """
import logging
from loa.logs import log_to_stderr
log_to_stderr("debug")
for name in ("botocore.auth", "aiobotocore.credentials", "redis", "limits", "urllib3.connectionpool"):
    logging.getLogger(name).info("the secret of %s", name)
    logging.getLogger(name).warning("trouble")
logging.getLogger("loa.store").debug("a detail")
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    assert told.count("trouble") == 5
    assert "secret" not in told
    assert "a detail" in told


def test_settings_that_are_printed_show_no_secret() -> None:
    settings = Settings.load({}, redis_url="redis://:hunter2@db", artifacts="s3://hunter2@bucket")
    assert "hunter2" not in repr(settings)
    assert settings.environment()["LOA_REDIS_URL"] == "redis://:hunter2@db"  # other processes get it
