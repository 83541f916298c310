"""Books as EPUB 2 and 3, as they occur: the standard first, then what readers make of those that do not keep to it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from loa.errors import ImageOnlyDocument
from loa.reading import contents, names, protection, xml
from loa.reading.archive import Archive
from loa.reading.bookparts import parts_of
from loa.reading.contents import Entry
from loa.reading.cutting import Book
from loa.reading.document import Cover, Document
from loa.reading.limits import Limits
from loa.reading.package import File, Package, language_tag, package_of, picture
from loa.reading.page import Page, headings_of, omissions, total, without_lists
from loa.reading.walk import page_of

FEWEST_CHARACTERS = 40  # of text for each picture, on average: a book with fewer is a book of pictures


def read(content: bytes, limits: Limits) -> Document:
    """A book.

    Raises UnreadableDocument for what is none, EncryptedDocument for one with DRM, ImageOnlyDocument for one of pictures, DocumentTooLarge
    and TextTooLong.
    """
    archive = Archive(content, limits)
    package = package_of(archive, limits)
    texts = [file for file, _ in package.spine if file.is_markup]
    protection.check(archive, {file.path for file in texts}, limits)
    navigation = frozenset(file.path for file in package.navigation())
    pages = _pages(archive, texts, navigation, limits)
    _check_pictures(pages, sum(not file.is_markup for file, _ in package.spine))
    toc, landmarks = _contents(archive, package, limits)
    title = package.title or next(filter(None, (page.title for page in pages.values())), None)
    language = package.language or language_tag(next(filter(None, (page.language for page in pages.values())), ""))
    book = Book(
        title=title,
        language=language,
        pages=pages,
        aside=frozenset(file.path for file, linear in package.spine if not linear),
        toc=toc,
        landmarks=[
            *landmarks,
            *(Entry(title="", path=path, fragment=fragment, types=_guided(kind)) for kind, path, fragment in package.guide),
        ],
        navigation=navigation,
    )
    chapters = parts_of(book)
    limits.check_characters(sum(chapter.characters for chapter in chapters))
    return Document(
        title=title,
        author=package.author,
        language=language,
        cover=_cover(archive, package, texts, limits),
        chapters=chapters,
        omissions=omissions(total(pages.values())),
    )


def _pages(archive: Archive, files: Sequence[File], navigation: Container[str], limits: Limits) -> dict[str, Page]:
    pages: dict[str, Page] = {}
    characters = 0
    for file in files:
        page = page_of(xml.markup(archive.read(file.path), limits), limits)
        characters += page.characters
        limits.check_characters(characters)
        pages[file.path] = page
    headings = headings_of(pages.values())
    return {path: page if path in navigation else without_lists(page, headings) for path, page in pages.items()}


def _check_pictures(pages: Mapping[str, Page], bare_pictures: int) -> None:
    """Raises ImageOnlyDocument where pictures take the place of text: scans, comics, picture books of fixed layout."""
    pictures = bare_pictures + sum(page.pictures for page in pages.values())
    characters = sum(page.characters for page in pages.values())
    if pictures * 2 > len(pages) + bare_pictures and characters < FEWEST_CHARACTERS * pictures:
        raise ImageOnlyDocument(f"the book holds {pictures:,} pictures and {characters:,} characters of text: its pages are pictures")


def _contents(archive: Archive, package: Package, limits: Limits) -> tuple[list[Entry], list[Entry]]:
    """The table of contents and the landmarks; both with the names that the archive uses."""
    toc: list[Entry] = []
    landmarks: list[Entry] = []
    for file in package.navigation():
        toc, landmarks = contents.of_navigation(xml.markup(archive.read(file.path), limits), file.path, limits)
        if toc:
            break
    if not any(entry.path for entry in toc):
        for file in package.ncx():
            toc = contents.of_ncx(xml.parse(archive.read(file.path), limits), file.path, limits)
            if toc:
                break
    return [_found(archive, entry) for entry in toc], [_found(archive, entry) for entry in landmarks]


def _found(archive: Archive, entry: Entry) -> Entry:
    name = archive.find(entry.path) if entry.path else None
    if name == entry.path:
        return entry
    return Entry(title=entry.title, path=name or "", fragment=entry.fragment, depth=entry.depth, above=entry.above, types=entry.types)


def _guided(kind: str) -> frozenset[str]:
    """A type of EPUB 2's guide as a word of EPUB 3's: "text" and "start" are where reading begins."""
    kind = kind.removeprefix("other.").strip()
    return frozenset({"bodymatter" if kind in ("text", "start") else kind})


def _cover(archive: Archive, package: Package, texts: Sequence[File], limits: Limits) -> Cover | None:
    """The picture on the front: that which the package names, or the first one on the page that it names, or on the first page."""
    path = package.cover
    page = path if path in {file.path for file in texts} else None
    if path is not None and page is None:
        return picture(archive, path)
    for name in filter(None, (page, texts[0].path if texts else None)):
        root = xml.markup(archive.read(name), limits)
        for element in root.iter("{*}img", "img", "{*}image", "image"):
            source = element.get("src") or element.get("href") or element.get(names.LINK) or ""
            return picture(archive, contents.resolve(name, source)[0])
    return None
