"""Uploaded documents become the text that a person would read aloud, or a clear error."""

from __future__ import annotations

import codecs
import contextlib
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.documents import decode, document_type, markdown_text, read_document
from loa.errors import TextTooLong, UnreadableDocument, UnsupportedMediaType

VIETNAMESE = "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau. " * 3


@given(st.text())
def test_utf8_is_read_as_it_is(text: str) -> None:
    if "\0" not in text:
        assert decode(text.encode("utf-8")) == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_marks(mark: bytes, encoding: str) -> None:
    assert decode(mark + VIETNAMESE.encode(encoding)) == VIETNAMESE
    with pytest.raises(UnreadableDocument, match=encoding):
        decode(mark + VIETNAMESE.encode(encoding) + b"\xff")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le café était fermé; nous sommes allés à la plage, où il faisait très beau cet été-là. " * 5, "cp1252"),
        ("“It’s only a paper moon” – she said, and smiled. The naïve façade of the café was crumbling. " * 5, "cp1252"),
        ("В начале было Слово, и Слово было у Бога, и Слово было Бог. Оно было в начале у Бога. " * 5, "cp1251"),
        ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 5, "cp932"),
    ],
)
def test_older_encodings_are_recognised(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_vietnamese_of_windows_is_recognised() -> None:
    tones = "\u0300\u0301\u0303\u0309\u0323"  # which Windows-1258 writes as letters of their own, after the vowel
    written = b""
    for letter in VIETNAMESE:
        parts = unicodedata.normalize("NFD", letter)
        vowel = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
        written += (vowel + "".join(part for part in parts if part in tones)).encode("cp1258")
    assert unicodedata.normalize("NFC", decode(written)) == VIETNAMESE


def test_an_older_encoding_is_recognised_late_in_a_long_file() -> None:
    text = "Plain English words. " * 50_000 + "Le café était fermé; nous sommes allés à la plage, où il faisait très beau. " * 20
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file: byte 8"),
        (VIETNAMESE.encode()[:-1] + b"\xff" + VIETNAMESE.encode(), "UTF-8 but damaged"),
        (VIETNAMESE.encode() + "ế".encode()[:2], "UTF-8 but damaged"),
        (bytes(range(128, 256)) * 50, "no other encoding|damaged"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableDocument, match=message):
        decode(data)


@given(st.binary())
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    with contextlib.suppress(UnreadableDocument):
        assert isinstance(decode(data), str)


def test_the_text_has_a_limit() -> None:
    assert read_document("ngày".encode(), "txt", 4) == "ngày"
    with pytest.raises(TextTooLong) as caught:
        read_document("ngày!".encode(), "txt", 4)
    assert caught.value.details == {"characters": 5, "limit": 4}


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.txt", "txt"),
        ("Truyện Kiều.MD", "md"),
        ("C:\\books\\x.txt", "txt"),
        ("a.pdf", None),
        ("txt", None),
        ("", None),
        ("a.txt/", "txt"),
    ],
)
def test_only_known_documents_are_taken(name: str, extension: str | None) -> None:
    if extension is None:
        with pytest.raises(UnsupportedMediaType, match=r"\.txt and \.md"):
            document_type(name)
    else:
        assert document_type(name) == extension


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("# Title #\nText\nwraps.\n\nSecond **bold** and _soft_ ~~gone~~.", "Title\n\nText\nwraps.\n\nSecond bold and soft gone."),
        ("- one\n- two\n  more\n\n  again", "one\n\ntwo\nmore\n\nagain"),
        ("3. three\n4. four\n\n   and\n   * five", "3. three\n\n4. four\n\nand\n\nfive"),
        ("See [the docs](https://x.y/z) and <https://a.b> ![A cat](cat.png).", "See the docs and https://a.b A cat."),
        ("Run `make demo` now.\n\n```sh\nrm -rf /\n```\n\n    indented code\n\nDone.", "Run make demo now.\n\nDone."),
        ("| Name | Age |\n|---|---|\n| Lan | 30 |\n| Minh | |\n", "Name, Age.\n\nLan, 30.\n\nMinh."),
        ("> quoted\n> text\n\n---\n\nend", "quoted\ntext\n\nend"),
        ("---\ntitle: x\n---\n\nText", "Text"),
        ("---\r\ntitle: x\r\n---\r\nText", "Text"),
        ("Text\n\n---\n\nMore", "Text\n\nMore"),
        (
            "<div align='x'>\n<b>Hi</b> there<script>bad()</script>\n</div>\n\n<!-- not\nsaid -->\n\na<br>b <i>c</i> &amp; d\\*",
            "Hi there\n\na\nb c & d*",
        ),
        ("", ""),
    ],
)
def test_markdown_becomes_what_a_person_would_read_aloud(source: str, text: str) -> None:
    assert markdown_text(source) == text
    assert read_document(source.encode(), "md", 1000) == text
    assert read_document(source.encode(), ".md") == text


@given(st.text(alphabet=st.sampled_from("ab \n#*_`[]()<>!|-1.>\\&;~\"'"), max_size=200))
def test_no_markdown_breaks_the_reader(source: str) -> None:
    assert "\n\n\n" not in markdown_text(source).replace(" ", "")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p title='a > b'>Said</p>", "Said"),
        ("<div>\nSaid<style>p { color: red }</style> <SCRIPT>x</SCRIPT>too\n</div>", "Said too"),
        ("<div>\n1 < 2 &lt; 3\n</div>", "1 < 2 < 3"),
        ("<div>\nSaid <!-- never ended", "Said"),
        ("<div>\nSaid <b", "Said"),
        ("<div>\n<script>never ended\n</div>", "never ended"),
        ("x" * 10_001 + "*y*", "x" * 10_001 + "*y*"),
        ("|a" * 1_001 + "\n" + "|-" * 1_001, "|a" * 1_001 + "\n" + "|-" * 1_001),
    ],
)
def test_what_no_person_writes_is_read_simply(source: str, text: str) -> None:
    assert markdown_text(source) == text


@pytest.mark.parametrize("mark", ["[", "<!--", "<?", "<script>", ">", "- ", "*a ", "`", "<a ", "![", "&amp", "\\", "](", "<b '"])
def test_reading_takes_time_in_proportion_to_the_length(mark: str) -> None:
    """Ten times the length in less than thirty times the time: with one that reads in the square of the length it would be a hundred."""

    def seconds(length: int) -> float:
        source = "<div>\n" * (mark[0] == "<") + mark * (length // len(mark))
        began = time.process_time()
        markdown_text(source)
        return time.process_time() - began

    markdown_text("warm")
    assert min(seconds(200_000) for _ in range(2)) < 30 * max(seconds(20_000), 0.01)


def test_a_document_of_far_too_many_parts_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="parts"):
        markdown_text(("|a" * 900 + "\n" + "|-" * 900 + "\n" + "b\n" * 70 + "\n") * 5)
