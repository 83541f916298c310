"""A document in letters that the voice does not know is refused before it is spoken."""

from __future__ import annotations

import pytest

from loa.errors import UnsupportedLanguage
from loa.reading import read
from loa.reading.scripts import check_script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("吾輩は猫である。名前はまだ無い。", "Japanese"),
        ("道可道，非常道。名可名，非常名。", "Chinese"),
        ("В начале было Слово, и Слово было у Бога.", "Cyrillic"),
        ("ในตอนเริ่มต้นนั้นมีคำ", "Thai"),
        ("ბუნება", "letters of Georgian"),
    ],
)
def test_foreign_letters(text: str, script: str) -> None:
    document = read((text * 2_000).encode())
    for language in ("vi-VN", "en-US", "en"):
        with pytest.raises(UnsupportedLanguage, match=script) as caught:
            check_script(document, language, "joe")
        assert caught.value.details == {"voice": "joe", "language": language}
    check_script(document, "ru-RU", "irina")


@pytest.mark.parametrize(
    "text", ["Trời sáng rồi.", "He said “道可道” and “В начале”, no more.", "1 2 3", "Đ" * 30_000, "«Où est-ce?» α β γ"]
)
def test_letters_that_are_known(text: str) -> None:
    for language in ("vi-VN", "en-US"):
        check_script(read(text.encode()), language, "joe")


def test_only_what_is_spoken_counts() -> None:
    document = read(("Chapter 1\n\nHello there.\n\nNotes\n\n" + "道可道，非常道。" * 50).encode())
    assert document.chapters[-1].matter == "back"
    check_script(document, "en-US", "joe")
