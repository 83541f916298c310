"""A file is what is in it, whatever its name says; what cannot be read is named, with what can."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.errors import UnreadableDocument, UnsupportedMediaType
from loa.reading import READERS
from loa.reading.guess import characters_of
from loa.reading.kinds import kept_kind, kind_of
from tests.archives import archive

EPUB = archive(("mimetype", b"application/epub+zip"), ("META-INF/container.xml", b"<container/>"), ("a.xhtml", b"x" * 1_000))
DOCX = archive(("[Content_Types].xml", b""), ("word/document.xml", b"x" * 1_000))
PDF = b"%PDF-1.7\n1 0 obj\n"


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        made.addfile(tarfile.TarInfo("a.txt"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"Hello.", "a.txt", "txt"),
        (b"Hello.", "Truyện Kiều.MD", "md"),
        (b"Hello.", "C:\\books\\x.markdown", "md"),
        (b"Hello.", "page.HTM", "html"),
        (b"Hello.", "", "txt"),
        (b"Hello.", "notes", "txt"),
        (b"Hello.", "book.epub", "txt"),
        (b"", "a.txt", "txt"),
        (b"<p>Hello.", "a.txt", "txt"),
        (b"<p>Hello.", "a.html", "html"),
        (b" \n<!DOCTYPE html><p>Hello.", "a.txt", "html"),
        (b"<!-- saved --> <html lang=vi>", "a.md", "html"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x"><html>', "a", "html"),
        ("<!doctype html>".encode("utf-16"), "a.txt", "html"),
        (EPUB, "a.txt", "epub"),
        (DOCX, "a.epub", "docx"),
        (PDF, "a.docx", "pdf"),
        (b"\r\n" + PDF, "a", "pdf"),
        (b"rubbish" * 20 + PDF + b"startxref\n9\n%%EOF", "a", "pdf"),
        (b"A file begins with %PDF-, they say.", "a.txt", "txt"),
        (b"RIFFRAFF are people, too.", "a.txt", "txt"),
        (b"ID3 is a label. BZh is none.", "a.txt", "txt"),
    ],
)
def test_the_kind_of_a_document(content: bytes, name: str, kind: str) -> None:
    assert kind_of(content, name) == kind
    assert kind in READERS
    assert kept_kind(f"documents/{'0' * 64}.{kind}") == kind


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (archive(("a.txt", b"Hello.")), "a ZIP archive"),
        (archive(("book.epub", EPUB), method=0), "a ZIP archive"),  # what it holds, unpacked, says nothing about it
        (archive(("xl/workbook.xml", b"")), "a spreadsheet"),
        (archive(("ppt/presentation.xml", b"")), "a presentation"),
        (archive(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"")), "OpenDocument"),
        (b"\x7fELF" + b"\0" * 100 + EPUB, "a program"),
        (b"#!/bin/sh\n" + b"\0" + EPUB, "in front of it"),
        (b"{\\rtf1 Hello.}", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password"),
        (b"BZh91AY&SY\0", "bzip2"),
        (b"GIF89a\1\0\1\0", "an image"),
        (tar(), "a tar archive"),
        (b"x" * 60 + b"BOOKMOBI", "Kindle"),
        (b"<?xml version='1.0'?><a>Hello.</a>", "an XML document"),
        (b"<!DOCTYPE html [<!ENTITY x 'y'>]><html>&x;", "definitions of its own"),
        (" <!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>".encode("utf-16"), "definitions of its own"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.epub", ""])
def test_what_cannot_be_read_is_named(content: bytes, what: str, name: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=what) as caught:
        kind_of(content, name)
    assert ".txt, .md, .html, .epub, .docx and .pdf can be read" in caught.value.message


@pytest.mark.parametrize("length", [4, 100, len(EPUB) - 21])
def test_half_an_archive_is_damaged(length: int) -> None:
    with pytest.raises(UnreadableDocument, match="in full"):
        kind_of(EPUB[:length])


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"%PDF-", b"<?xml", b"\xff\xfe", EPUB[-22:]]), st.text(max_size=10))
def test_no_bytes_break_it(content: bytes, beginning: bytes, name: str) -> None:
    try:
        kind = kind_of(beginning + content, name)
    except (UnreadableDocument, UnsupportedMediaType):
        return
    assert characters_of(beginning + content, kind) >= 0


def test_the_length_of_a_text_is_guessed_from_what_the_file_unfolds_to() -> None:
    pictures = archive(
        ("META-INF/container.xml", b""), ("a.xhtml", b"x" * 1_000), ("b.HTML", b"x" * 1_000), ("c.jpg", b"x" * 9_000), method=0
    )
    assert characters_of(pictures, "epub") == 1_500
    assert characters_of(DOCX, "docx") == 100
    assert characters_of(b"x" * 1_000, "pdf") == 200
    assert characters_of(b"x" * 90_000_000, "pdf") == 1_000_000
    assert characters_of(b"x" * 1_000, "html") == 600


def test_a_book_whose_pages_have_names_of_their_own_weighs_something() -> None:
    odd = archive(("META-INF/container.xml", b""), ("a.xml", b"x" * 1_000), method=0)
    assert characters_of(odd, "epub") >= 750


def test_a_path_of_something_else_is_no_document() -> None:
    with pytest.raises(ValueError, match="no document"):
        kept_kind("plans/job_1/c.json")
