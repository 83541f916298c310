"""Bytes of a text become its characters, or a clear error."""

from __future__ import annotations

import codecs
import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.errors import UnreadableDocument
from loa.reading.encoding import decode

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
