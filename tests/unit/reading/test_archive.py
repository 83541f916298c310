"""Archives that nobody trusts."""

from __future__ import annotations

import struct
import zipfile

import pytest

from loa.errors import DocumentTooLarge, EncryptedDocument, UnreadableDocument
from loa.reading.archive import Archive
from loa.reading.limits import Limits
from tests.unit.reading.epub_maker import archive


def test_names_and_contents() -> None:
    found = Archive(archive({"a/b.txt": "one", "c.txt": b"two"}), Limits())
    assert found.names == ("a/b.txt", "c.txt")
    assert [found.read(name) for name in found.names] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("OEBPS/Text/One.xhtml", "OEBPS/Text/One.xhtml"),
        ("OEBPS/Text/One.xhtml", "oebps/text/ONE.XHTML"),
        ("OEBPS/a b.xhtml", "OEBPS/a%20b.xhtml"),
        ("OEBPS/a%20b.xhtml", "OEBPS/a b.xhtml"),
        ("OEBPS\\a.xhtml", "OEBPS/a.xhtml"),
        ("Chương 1.xhtml", "Chương 1.xhtml"),
        ("./a.xhtml", "a.xhtml"),
        ("/a.xhtml", "a.xhtml"),
    ],
)
def test_files_are_found_however_their_names_are_written(name: str, asked: str) -> None:
    found = Archive(archive({name: "x"}), Limits())
    assert found.find(asked) is not None
    assert found.read(found.find(asked) or "") == b"x"


def test_what_is_not_there() -> None:
    found = Archive(archive({"a": "x"}), Limits())
    assert found.find("b") is None
    with pytest.raises(UnreadableDocument, match="lacks a part: b"):
        found.read("b")


def test_names_that_lead_elsewhere_lead_nowhere() -> None:
    found = Archive(archive({"../../etc/passwd": "mine", "/etc/shadow": "mine"}), Limits())
    assert {found.read(name) for name in found.names} == {b"mine"}


def test_a_bomb_is_stopped_while_it_unpacks() -> None:
    found = Archive(archive({"bomb": b"\0" * 3_000_000}), Limits(entry_bytes=1_000_000))
    with pytest.raises(DocumentTooLarge, match="bomb"):
        found.read("bomb")


def test_what_an_archive_says_about_sizes_is_not_believed() -> None:
    content = bytearray(archive({"bomb": b"\0" * 3_000_000}))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 10)  # the size unpacked
    with pytest.raises((DocumentTooLarge, UnreadableDocument)):
        Archive(bytes(content), Limits(entry_bytes=1_000_000)).read("bomb")


def test_all_files_together_have_a_limit() -> None:
    found = Archive(archive({str(place): b"\0" * 400_000 for place in range(4)}), Limits(unpacked_bytes=1_000_000))
    found.read("0")
    found.read("1")
    with pytest.raises(DocumentTooLarge):
        found.read("2")


def test_too_many_files_are_refused_before_they_are_listed() -> None:
    with pytest.raises(DocumentTooLarge, match="holds 11 files"):
        Archive(archive({str(place): "" for place in range(11)}), Limits(entries=10))


def test_a_password() -> None:
    content = bytearray(archive({"a.txt": "secret"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    with pytest.raises(EncryptedDocument, match="password"):
        Archive(bytes(content), Limits()).read("a.txt")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_steps_are_refused(method: int) -> None:
    with pytest.raises(UnreadableDocument, match="packed in a way"):
        Archive(archive({"a": b"\0" * 1_000}, method=method), Limits()).read("a")


def test_damage() -> None:
    content = archive({"a.txt": "one " * 1_000, "b.txt": "two"})
    for broken in (content[:-30], b"", b"PK\x03\x04", content[: len(content) // 2]):
        with pytest.raises(UnreadableDocument):
            Archive(broken, Limits())
    changed = bytearray(content)
    changed[40:50] = b"\xff" * 10
    with pytest.raises(UnreadableDocument, match=r"a\.txt"):
        Archive(bytes(changed), Limits()).read("a.txt")
    assert Archive(bytes(changed), Limits()).read("b.txt") == b"two"
