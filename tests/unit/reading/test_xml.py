"""Markup as it occurs, and as it must not be."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import pytest

from loa.errors import DocumentTooLarge, LoaError, UnreadableDocument
from loa.reading import names, xml
from loa.reading.limits import Limits
from tests.unit.reading.epub_maker import xhtml


def words(content: bytes | str) -> str:
    return " ".join("".join(xml.markup(content, Limits()).itertext()).split())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (xhtml("<p>Xin chào</p>").encode(), "Xin chào"),
        (xhtml("<p>Xin chào</p>").encode("utf-16"), "Xin chào"),
        (xhtml("<p>Xin chào</p>").encode("utf-16-le"), "Xin chào"),
        (xhtml("<p>Xin chào</p>").encode("utf-8-sig"), "Xin chào"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><html><body>naïve “quotes”</body></html>'.encode("cp1252"), "naïve “quotes”"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><html><body>Việt</body></html>'.encode(), "Việt"),
        (
            '<?xml version="1.0" encoding="utf-8"?><html><body>Một người Việt ở tiểu bang Mỹ đã để lại những điều ấy ’'.encode().replace(
                "’".encode(), b"\x92"
            ),
            "Một người Việt ở tiểu bang Mỹ đã để lại những điều ấy ’",
        ),
        ('<html><head><meta charset="windows-1258"></head><body>Vi\xea\u0323t</body></html>'.encode("cp1258"), "Viê\u0323t"),
        ('<html><head><meta charset="no-such-thing"></head><body>na\xefve</body></html>'.encode("latin-1"), "naïve"),
    ],
    ids=[
        "UTF-8",
        "UTF-16",
        "without a mark",
        "with a mark",
        "declared",
        "wrongly declared",
        "damaged",
        "Vietnamese of Windows",
        "nonsense",
    ],
)
def test_encodings(written: bytes, read: str) -> None:
    assert words(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (xhtml("<p>one&nbsp;two&mdash;&eacute;&amp;&lt;</p>"), "one two—é&<"),
        (xhtml("<p>one<br>two<p>three"), "onetwothree"),
        (xhtml("<p>one <b>two</p> three</b>"), "one two three"),
        (xhtml("<p>one & two</p>"), "one & two"),
        (xhtml('<p class=x>one</p><a id="y"/>two<div/>three'), "onetwothree"),
        (xhtml("<title/><script/><p>one</p><p>two"), "onetwo"),
        (xhtml("one &nosuch; two"), "one &nosuch; two"),
        ("<HTML><BODY><P>one</BODY></HTML>", "one"),
        ("<p>one<p>two", "onetwo"),
        (xhtml("one\x0b\x01 two"), "one two"),
        ("", ""),
    ],
)
def test_broken_markup_is_read_like_a_browser_reads_it(written: str, read: str) -> None:
    assert words(written) == read


def test_what_stays_open_does_not_nest() -> None:
    assert words("<p><a name=x>word <span>" * 500) == ("word " * 500).strip()


def test_types_and_languages_survive_broken_markup() -> None:
    root = xml.markup(xhtml('<p epub:type="note" xml:lang="fr">one<br>'), Limits())
    [paragraph] = root.iter("p")
    assert (paragraph.get(names.TYPE), paragraph.get(names.LANGUAGE)) == ("note", "fr")


def test_other_xml_is_read_as_far_as_it_makes_sense() -> None:
    assert xml.parse(b"<a><b>one</b>", Limits()).findtext("b") == "one"
    with pytest.raises(UnreadableDocument):
        xml.parse(b"not markup", Limits())


ENTITIES = {
    "laughs": '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    "a file": '<!DOCTYPE a [<!ENTITY b SYSTEM "{file}">]><a>&b;</a>',
    "a parameter": '<!DOCTYPE a [<!ENTITY % b SYSTEM "{url}"> %b;]><a>x</a>',
    "behind a comment": '<!-- <a> --><!DOCTYPE a [<!ENTITY b SYSTEM "{file}">]><a>&b;</a>',
    "a document type elsewhere": '<!DOCTYPE a SYSTEM "{url}"><a>&b;</a>',
    "an inclusion": '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{file}" parse="text"/></a>',
}


@pytest.mark.parametrize("kind", ENTITIES)
def test_nothing_is_loaded_or_expanded(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        attack = ENTITIES[kind].format(file=secret.as_uri(), url=url).encode()
        for parse in (xml.parse, xml.markup):
            try:
                found = "".join(parse(attack, Limits()).itertext())
            except UnreadableDocument:
                found = ""
            assert "secret" not in found
            assert "haha" not in found
        with pytest.raises(BlockingIOError):
            server.accept()


def test_entities_of_its_own_are_named_as_the_reason() -> None:
    with pytest.raises(UnreadableDocument, match="entities"):
        xml.parse(ENTITIES["laughs"].encode(), Limits())


HOSTILE = {
    "elements": "<p>" * 2_000_000,
    "depth": "<div>" * 100_000,
    "depth that is closed": "<b>" * 50_000 + "</b>" * 50_000,
    "ends of nothing": "<span>" * 20_000 + "</i>" * 20_000,
    "attributes": "<p " + " ".join(f"a{place}=''" for place in range(100_000)) + ">x</p>",
    "open angles": "<" * 1_400_000,
    "open tags": "<a" * 700_000,
    "open comments": "<!--" * 300_000,
    "open quotes": '<a b="' * 300_000,
    "open references": "&a" * 1_000_000,
    "open types": "<!DOCTYPE [" * 200_000,
    "comments between letters": "<html><body>" + "x<!---->" * 300_000,
    "one paragraph": "<p>" + "word " * 2_000_000,
    "too many bytes": " " * 30_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_markup_takes_no_time(kind: str) -> None:
    content = HOSTILE[kind].encode()
    for parse in (xml.parse, xml.markup):
        begun = time.process_time()
        with contextlib.suppress(LoaError):
            parse(content, Limits())
        assert time.process_time() - begun < 5


def test_limits_are_named() -> None:
    with pytest.raises(DocumentTooLarge, match="elements"):
        xml.markup(b"<p>" * 11, Limits(elements=10))
    with pytest.raises(DocumentTooLarge, match="bytes"):
        xml.markup(b"<p>" * 11, Limits(entry_bytes=10))
    with pytest.raises(UnreadableDocument, match="more than 5 deep"):
        xml.markup(xhtml("<b>" * 6 + "</b>" * 6), Limits(depth=5))
