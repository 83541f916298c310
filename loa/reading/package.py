"""The package document of an EPUB (OPF): what the book is called, its files, and the order in which they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from loa.errors import UnreadableDocument
from loa.reading import names, xml
from loa.reading.archive import Archive
from loa.reading.contents import resolve
from loa.reading.document import Cover
from loa.reading.limits import Limits

CONTAINER = "META-INF/container.xml"
_MARKUP = (".xhtml", ".html", ".htm", ".xml", ".xht")
_MARKUP_TYPES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/x-dtbook+xml")
_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp")
_NOBODY = re.compile(r"unknown(?: author)?|anonym|n/?a|none|author|không rõ|chưa rõ|đang cập nhật", re.IGNORECASE)
_UNTITLED = re.compile(r"unknown|untitled|none|title|\[?no title\]?", re.IGNORECASE)
_AND = {"en": "and", "vi": "và", "fr": "et", "de": "und", "es": "y", "it": "e"}
_LANGUAGES = {  # as books write them instead of BCP 47
    "eng": "en", "english": "en", "vie": "vi", "vietnamese": "vi", "tiếng việt": "vi", "vn": "vi", "fre": "fr", "fra": "fr", "french": "fr",
    "ger": "de", "deu": "de", "german": "de", "spa": "es", "ita": "it", "rus": "ru", "chi": "zh", "zho": "zh", "jpn": "ja", "kor": "ko",
    "lat": "la", "por": "pt",
}  # fmt: skip
_SIGNATURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that the manifest names and the archive holds."""

    id: str
    path: str  # as in the archive
    media_type: str
    properties: frozenset[str]

    @property
    def is_markup(self) -> bool:
        """Many manifests give wrong types: what is called a picture is one, and else the name or the type must say markup."""
        name = self.path.lower()
        return not name.endswith(_PICTURES) and (name.endswith(_MARKUP) or self.media_type in _MARKUP_TYPES)

    @property
    def is_picture(self) -> bool:
        return self.path.lower().endswith(_PICTURES) or self.media_type.startswith("image/")


@dataclass(frozen=True, kw_only=True)
class Package:
    """What the package document says."""

    path: str
    title: str | None
    author: str | None
    language: str | None
    files: Mapping[str, File]  # by id
    spine: tuple[tuple[File, bool], ...]  # in reading order; False: set aside from it, as notes and answers are
    guide: tuple[tuple[str, str, str], ...]  # of EPUB 2: type, path, fragment
    toc: str | None  # id of the NCX, as the spine names it
    cover: str | None  # path of the picture, or of a page that shows it

    def navigation(self) -> Iterator[File]:
        """Files that may hold a table of contents of EPUB 3."""
        return (file for file in self.files.values() if "nav" in file.properties)

    def ncx(self) -> Iterator[File]:
        """Files that may hold a table of contents of EPUB 2, the likeliest first."""
        if self.toc in self.files:
            yield self.files[self.toc]
        for file in self.files.values():
            if file.media_type == "application/x-dtbncx+xml" or file.path.lower().endswith(".ncx"):
                yield file


def package_of(archive: Archive, limits: Limits) -> Package:
    """The package document that the container names, or the one that lies there. Raises UnreadableDocument where there is none."""
    path = _package_path(archive, limits)
    root = xml.parse(archive.read(path), limits)
    files = _files(root, path, archive)
    metadata = _Metadata(root)
    language = metadata.language()
    return Package(
        path=path,
        title=metadata.title(),
        author=metadata.author(language),
        language=language,
        files=files,
        spine=_spine(root, files),
        guide=tuple(
            (reference.get("type", "").lower(), archive.find(target[0]) or "", target[1])
            for reference in _all(root, "reference")
            if (target := resolve(path, reference.get("href", "")))[0]
        ),
        toc=next((spine.get("toc") for spine in _all(root, "spine")), None),
        cover=_cover_path(root, path, files, archive),
    )


def picture(archive: Archive, path: str | None) -> Cover | None:
    """A picture of the archive as the cover; None for none, or in a format that players do not show."""
    if path is None or (name := archive.find(path)) is None:
        return None
    content = archive.read(name)
    media_type = next((media_type for signature, media_type in _SIGNATURES if content.startswith(signature)), None)
    return None if media_type is None else Cover(media_type=media_type, content=content)


def _package_path(archive: Archive, limits: Limits) -> str:
    if (container := archive.find(CONTAINER)) is not None:
        for rootfile in _all(xml.parse(archive.read(container), limits), "rootfile"):
            if (name := archive.find(resolve("", rootfile.get("full-path", ""))[0])) is not None:
                return name
    if (name := next((name for name in archive.names if name.lower().endswith(".opf")), None)) is not None:
        return name
    raise UnreadableDocument("the file has no package document (.opf), without which an EPUB is only a heap of files")


def _files(root: etree._Element, path: str, archive: Archive) -> dict[str, File]:
    files: dict[str, File] = {}
    by_name: dict[str, str | None] = {}
    for name in archive.names:
        short = name.rpartition("/")[2].casefold()
        by_name[short] = None if short in by_name else name
    for item in _all(root, "item"):
        target, _ = resolve(path, item.get("href") or "")
        name = archive.find(target) or by_name.get(target.rpartition("/")[2].casefold()) if target else None
        if name is not None and (item_id := item.get("id") or target) not in files:
            files[item_id] = File(
                id=item_id,
                path=name,
                media_type=(item.get("media-type") or "").strip().lower(),
                properties=frozenset((item.get("properties") or "").split()),
            )
    return files


def _spine(root: etree._Element, files: Mapping[str, File]) -> tuple[tuple[File, bool], ...]:
    spine: dict[str, tuple[File, bool]] = {}
    for reference in _all(root, "itemref"):
        file = files.get(reference.get("idref") or "")
        if file is not None:
            spine.setdefault(file.path, (file, reference.get("linear", "").lower() != "no"))
    if not any(file.is_markup for file, _ in spine.values()):  # broken: then all pages as the manifest names them
        spine = {file.path: (file, True) for file in files.values() if file.is_markup and "nav" not in file.properties}
    if not any(linear for _, linear in spine.values()):
        return tuple((file, True) for file, _ in spine.values())
    return tuple(spine.values())


def _cover_path(root: etree._Element, path: str, files: Mapping[str, File], archive: Archive) -> str | None:
    """By EPUB 3's property, EPUB 2's meta, the guide, or a name; in that order."""
    for file in files.values():
        if "cover-image" in file.properties:
            return file.path
    for meta in _all(root, "meta"):
        if meta.get("name", "").lower() == "cover" and (content := meta.get("content")):
            if content in files:
                return files[content].path
            if (name := archive.find(resolve(path, content)[0])) is not None:
                return name
    for reference in _all(root, "reference"):
        if "cover" in reference.get("type", "").lower() and (name := archive.find(resolve(path, reference.get("href", ""))[0])) is not None:
            return name
    named = (file for file in files.values() if file.is_picture and ("cover" in file.id.lower() or "cover" in file.path.lower()))
    return next((file.path for file in named), None)


class _Metadata:
    """The Dublin Core of a package, with what EPUB 3 says about each element by `refines`."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._refined: dict[tuple[str, str], str] = {}
        for meta in _all(root, "meta"):
            if meta.get("refines") and meta.get("property"):
                self._refined.setdefault((meta.get("refines", "").lstrip("#"), meta.get("property", "")), _text(meta))

    def title(self) -> str | None:
        titles = [element for element in _all(self._root, "title") if _text(element) and not _UNTITLED.fullmatch(_text(element))]
        main = [element for element in titles if self._refined.get((element.get("id", ""), "title-type")) == "main"]
        return next((_text(element) for element in main or titles), None)

    def author(self, language: str | None) -> str | None:
        """All authors in one line: "A, B and C"; without those who did something else for the book."""
        creators = [(element, _text(element)) for element in _all(self._root, "creator")]
        creators = [(element, name) for element, name in creators if name and not _NOBODY.fullmatch(name)]
        roles = {id(element): self._role(element) for element, _ in creators}
        authors = [name for element, name in creators if roles[id(element)] == "aut"]
        unsaid = [name for element, name in creators if not roles[id(element)]]
        authors = list(dict.fromkeys(authors or unsaid or [name for _, name in creators]))
        word = _AND.get((language or "").partition("-")[0])
        if len(authors) < 2 or word is None:
            return ", ".join(authors) or None
        return f"{', '.join(authors[:-1])} {word} {authors[-1]}"

    def language(self) -> str | None:
        return next(filter(None, (language_tag(_text(element)) for element in _all(self._root, "language"))), None)

    def _role(self, creator: etree._Element) -> str:
        refined = self._refined.get((creator.get("id", ""), "role"))
        plain = next((value for name, value in creator.attrib.items() if str(name).rpartition("}")[2] == "role"), "")
        return (refined or str(plain)).strip().lower()


def language_tag(written: str) -> str | None:
    """A language as BCP 47 writes it: "en_us" and "English" are "en-US" and "en"; None for "und" and what is none."""
    written = written.strip().replace("_", "-").lower()
    written = _LANGUAGES.get(written, written)
    first, *rest = written.split("-")
    first = _LANGUAGES.get(first, first)
    if not re.fullmatch(r"[a-z]{2,3}", first) or first in ("und", "mul", "zxx"):
        return None
    return "-".join([first, *(part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest)])


def _all(root: etree._Element, name: str) -> list[etree._Element]:
    return [element for element in root.iter(etree.Element) if names.local(element) == name]


def _text(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())
