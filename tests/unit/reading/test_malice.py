"""Plain text that is a trap is refused, or read, soon and in little memory; no other file is read, and no connection is made."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.archives import archive
from tests.unit.reading import traps
from tests.unit.reading.traps import ALLOWED, CANARY, MEMORY, WITHIN

ENTITY = '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]>\n<a>Hello. &x;</a>'
MILLION = 1_000_000


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Bytes of memory that a process takes which has next to nothing to read."""
    trial = traps.read(tmp_path_factory.mktemp("quiet") / "document", b"Hello.", "a.txt")
    assert (trial.code, trial.said["characters"]) == (None, 6)
    return trial.peak


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(archive(("a.txt", bytes(50 * MILLION))), id="zip bomb"),
        pytest.param(archive(*((f"{number}.zip", archive(("a.txt", bytes(9 * MILLION)))) for number in range(10))), id="nested zip"),
        pytest.param(archive(("../../../../tmp/slipped.txt", b"slipped"), ("/etc/cron.d/slipped", b"slipped")), id="zip-slip"),
        pytest.param(archive(*((f"{number}", b"") for number in range(60_000)), method=0), id="60,000 files"),
        pytest.param(gzip.compress(bytes(50 * MILLION)), id="gzip bomb"),
        pytest.param(ENTITY.encode(), id="XXE"),
        pytest.param(ENTITY.encode("utf-16"), id="XXE in UTF-16"),
        pytest.param(b"word " * (2 * MILLION), id="a paragraph of 10,000,000 characters"),
        pytest.param(b"a" * (10 * MILLION), id="a word of 10,000,000 letters"),
        pytest.param(b"word " * 999_999, id="a paragraph of 5,000,000 characters"),
        pytest.param(b"Chapter 1\n\n" * 50_000, id="50,000 chapters"),
        pytest.param(b"Chapter 1\n" * 400_000, id="400,000 chapters in a row"),
        pytest.param(b"a\n\n" * (MILLION * 5 // 3), id="1,700,000 paragraphs"),
        pytest.param(b"1\n\n" * (MILLION * 5 // 3), id="1,700,000 page numbers"),
        pytest.param(b"- a\n" * (MILLION * 5 // 4), id="1,250,000 items"),
        pytest.param(b"a-\n" * (MILLION * 5 // 3), id="1,700,000 hyphens at line ends"),
        pytest.param(b"  a\nb\n" * 800_000, id="800,000 indents"),
        pytest.param(b"a" + b" " * (4 * MILLION) + b"b", id="4,000,000 blanks"),
        pytest.param(b"\t" * (4 * MILLION) + b"b", id="4,000,000 tabs"),
        pytest.param(b"[Illustration: " * 330_000, id="unended illustrations"),
        pytest.param(b"CHAPTER I. " + b". " * (2 * MILLION), id="a long line of leaders"),
        pytest.param(b"_" * (4 * MILLION) + b"a", id="underscores"),
        pytest.param(b"*** START OF THE PROJECT GUTENBERG EBOOK\nProduced by\n" + b"a\n" * (2 * MILLION), id="endless credits"),
        pytest.param(("e" + "\u0301" * 100).encode() * 24_000, id="combining marks"),
        pytest.param(bytes(5 * MILLION), id="zero bytes"),
        pytest.param(bytes(range(1, 32)) * 100_000, id="control characters"),
        pytest.param(bytes(range(128, 256)) * 20_000, id="no encoding at all"),
    ],
)
def test_plain_text(content: bytes, quiet: int, tmp_path: Path) -> None:
    trial = traps.read(tmp_path / "document", content, "a.txt")
    assert trial.code is None or trial.code in ALLOWED, trial.said
    assert trial.seconds <= WITHIN
    assert trial.peak - quiet - len(content) <= MEMORY
    assert not Path("/tmp/slipped.txt").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_text_leads_elsewhere(encoding: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text(CANARY)
    with traps.listening() as (url, came):
        for target in (canary.as_uri(), url):
            trial = traps.read(tmp_path / "document", ENTITY.format(url=target).encode(encoding), "a.txt")
            assert (trial.code, trial.said["leaked"]) == ("unsupported_media_type", False)
    assert came == []
