"""Books that are large or made to do harm: read or refused at once, and told of."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from loa import reading
from loa.errors import DocumentTooLarge, LoaError, TextTooLong, UnreadableDocument
from loa.reading import epub as reader
from loa.reading.document import Document
from loa.reading.limits import Limits
from tests.unit.reading.epub_maker import PROSE, TWO, archive, epub, line, point, xhtml


def read(content: bytes, limits: Limits | None = None) -> Document:
    return reader.read(content, limits or Limits())


def hostile_toc() -> bytes:
    return epub(TWO, points="".join(point(f"Again {place}", "one.xhtml") for place in range(50_000)))


def endless_nesting() -> bytes:
    return epub(TWO, points="<navPoint>" * 50_000)


def nested_lines() -> bytes:
    return epub(TWO, toc="<li><a href='one.xhtml'>x</a><ol>" * 20_000)


def bomb() -> bytes:
    return epub({"one.xhtml": "<html><body><p>" + "a " * 40_000_000})


def nested_archive() -> bytes:
    return epub(TWO, files={"OEBPS/inner.epub": epub({"bomb.xhtml": " " * 20_000_000})})


def paragraph() -> bytes:
    return epub({"one.xhtml": xhtml(f"<p>{'word ' * 2_000_000}</p>")})


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{place} "{f"&l{place - 1};" * 10}">' for place in range(1, 10))
    return epub({"one.xhtml": f'<!DOCTYPE html [<!ENTITY l0 "ha">{entities}]><html><body>&l9;</body></html>'})


def references() -> bytes:
    return epub(TWO, manifest='<item id="x" href="../../../../etc/passwd"/>', guide='<reference type="cover" href="file:///etc/passwd"/>')


def many_files() -> bytes:
    return archive({f"{place}.xhtml": "" for place in range(20_000)})


def many_notes() -> bytes:
    return epub({"one.xhtml": xhtml("".join(f'<p id="n{place}"><a href="#n{place}">[1]</a> x*</p><p>*y</p>' for place in range(5_000)))})


def long_list() -> bytes:
    return epub({"one.xhtml": xhtml(f"<p>Contents</p><ul>{'<li>x</li>' * 50_000}</ul><p>{PROSE}</p>")})


@pytest.mark.parametrize(
    "made",
    [hostile_toc, endless_nesting, nested_lines, bomb, nested_archive, paragraph, laughs, references, many_files, many_notes, long_list],
)
def test_hostile_books_are_read_or_refused_at_once(made: Callable[[], bytes]) -> None:
    content = made()
    begun = time.process_time()
    try:
        document = read(content)
        assert all(len(chapter.title) < 1_000 for chapter in document.chapters)
        assert "root:" not in str(document)
    except LoaError:
        pass
    assert time.process_time() - begun < 5


def test_bombs_and_long_books_are_named() -> None:
    with pytest.raises(DocumentTooLarge):
        read(bomb())
    with pytest.raises(UnreadableDocument, match="entities"):
        read(laughs())
    with pytest.raises(TextTooLong):
        read(epub(TWO), Limits(characters=2_000))


def test_a_long_book_takes_seconds_at_most() -> None:
    pages = {f"{number}.xhtml": xhtml(f"<h1>{number}</h1>" + f"<p>{PROSE[:740]}</p>" * 12) for number in range(136)}
    content = epub(pages, toc="".join(line(f"Chapter {number}", f"{number}.xhtml") for number in range(136)))
    begun = time.process_time()
    document = read(content)
    assert time.process_time() - begun < 5
    assert sum(chapter.characters for chapter in document.chapters) > 1_200_000
    assert len(document.chapters) == 136


def test_titles_and_authors_of_any_length_are_cut() -> None:
    long = "Một tên sách dài " * 5_000
    metadata = f"<dc:title>{long}</dc:title><dc:creator>{long}</dc:creator>"
    document = reading.read(epub(TWO, toc=line(long, "one.xhtml") + line("Two", "two.xhtml"), metadata=metadata))
    for label in (document.title, document.author, document.chapters[0].title):
        assert label is not None
        assert label.startswith("Một tên sách dài Một")
        assert 280 < len(label) <= 300
