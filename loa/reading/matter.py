"""What a part of a book is: a chapter, or front or back matter, by what it says of itself, by where it stands and by its title.

The division follows the Chicago Manual of Style: a foreword and a preface come before the text, an introduction, a prologue, an epilogue
and an afterword are text.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from loa.reading.document import Chapter, Matter

CHAPTER = "chapter"
LARGEST_FRONT = 0.4  # of a book's characters may come before its text, as far as a mark of where to begin is believed


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a part of a book can be."""

    name: str
    matter: Matter | Literal["edge"]  # edge: front or back, whichever side of the text it stands on
    types: str = ""  # words of epub:type, DPUB-ARIA and the guide of EPUB 2 that say so, parted by blanks
    titles: str = ""  # a pattern, for the whole title in small letters, without numbers and punctuation at its ends
    anywhere: bool = False  # a title is believed even between two chapters
    apart: bool = False  # a section that says so is no part of the chapter in which it stands


ROLES = (
    Role(name="cover", matter="front", types="cover cover-page coverpage", titles=r"(?:front )?cover(?: page| image)?|bìa(?: sách| trước)?|trang bìa"),
    Role(
        name="titlepage",
        matter="front",
        types="titlepage halftitlepage title-page halftitle-page",
        titles=r"(?:half |full |inside )?title ?page|half title|trang (?:tên sách|nhan đề|tựa)|bìa lót|bìa phụ",
    ),
    Role(
        name="copyright",
        matter="edge",
        types="copyright-page copyright imprint",
        titles=r"(?:copyright|imprint|legal)(?: page| notice| information| and permissions?)?|(?:thông tin )?(?:bản quyền|xuất bản|sách|ebook)"
        r"|trang bản quyền|permissions|credits|disclaimer",
        apart=True,
    ),
    Role(
        name="contents",
        matter="edge",
        types="toc toc-brief loi lot loa lov landmarks",
        titles=r"(?:table of |brief |detailed )?contents(?: in detail| at a glance)?|toc"
        r"|list of (?:illustrations|figures|tables|plates|maps|characters)|mục lục|danh mục(?: hình| bảng)?(?: ảnh| biểu)?",
        apart=True,
    ),
    Role(name="dedication", matter="edge", types="dedication", titles=r"dedications?|(?:lời )?đề tặng"),
    Role(name="epigraph", matter="front", types="epigraph", titles=r"epigraphs?|(?:lời )?đề từ"),
    Role(
        name="praise",
        matter="edge",
        types="promo",
        titles=r"(?:advance )?praise(?: for .+)?|acclaim for .+|(?:also|other books|books|other titles|more) by .+|other (?:books|titles)"
        r"|newsletters?(?: sign ?up)?|advertisements?|(?:sách |tác phẩm )?cùng tác giả|(?:các )?tác phẩm cùng tác giả|lời khen (?:tặng|ngợi).*",
    ),
    Role(
        name="foreword",
        matter="front",
        types="foreword",
        titles=r"forew(?:o|a)rds?(?: by .+)?|lời tựa|tựa|lời nhà xuất bản|lời (?:ban biên tập|giới thiệu của nhà xuất bản)",
    ),
    Role(
        name="preface",
        matter="front",
        types="preface",
        titles=r"prefaces?(?: to .+ edition)?|(?:author|translator|editor|publisher|transcriber)(?:['’]?s)?['’]? (?:preface|notes?)"
        r"|lời nói đầu|lời (?:người dịch|dịch giả|tác giả|biên tập|ngỏ)",
    ),
    Role(
        name="acknowledgments",
        matter="edge",
        types="acknowledgments acknowledgements",
        titles=r"acknowledge?ments?|(?:special )?thanks|lời (?:cảm|cám) ơn|(?:cảm|cám) ơn|lời cảm tạ|lời tri ân",
    ),
    Role(
        name="author",
        matter="edge",
        types="contributors author-bio",
        titles=r"about the (?:authors?|translators?|editors?|illustrators?|publisher|contributors)|(?:notes on )?contributors"
        r"|(?:đôi nét |vài nét |giới thiệu )?về (?:các )?(?:tác giả|dịch giả)|tiểu sử tác giả|giới thiệu tác giả",
    ),
    Role(name="introduction", matter="body", types="introduction preamble", titles=r"introduction|introductory|lời giới thiệu|lời (?:mở|dẫn) đầu|lời dẫn|dẫn nhập"),
    Role(name="prologue", matter="body", types="prologue", titles=r"prologue|mở đầu|khúc dạo đầu|lời mở|khai từ|tự ngôn"),
    Role(name="epilogue", matter="body", types="epilogue", titles=r"epilogue|vĩ thanh|đoạn kết|phần kết|lời kết"),
    Role(name="conclusion", matter="body", types="conclusion", titles=r"conclusions?|kết luận|kết"),
    Role(name="afterword", matter="body", types="afterword", titles=r"afterw(?:o|a)rds?|postscript|lời bạt"),
    Role(
        name="notes",
        matter="back",
        types="endnotes footnotes rearnotes notes",
        titles=r"(?:end|foot)?notes|notes (?:and|&) (?:references|sources)|(?:lời )?chú (?:thích|giải)|ghi chú|cước chú",
        anywhere=True,
        apart=True,
    ),
    Role(
        name="bibliography",
        matter="back",
        types="bibliography references",
        titles=r"(?:selected |select )?bibliograph(?:y|ies)|references|works cited|further reading|sources|tài liệu (?:tham khảo|trích dẫn)"
        r"|thư mục(?: tham khảo)?|sách tham khảo",
        anywhere=True,
        apart=True,
    ),
    Role(
        name="index",
        matter="back",
        types="index index-group",
        titles=r"(?:general |subject |name )?ind(?:ex|exes|ices)|index of .+|(?:bảng )?(?:chỉ mục|tra cứu)|sách dẫn|bảng (?:dẫn|tra).*",
        apart=True,
    ),
    Role(name="glossary", matter="back", types="glossary", titles=r"glossar(?:y|ies)(?: of terms)?|(?:bảng )?(?:giải thích )?thuật ngữ|bảng chú giải.*", apart=True),
    Role(name="appendix", matter="back", types="appendix", titles=r"appendi(?:x|ces)(?: [a-z0-9]{1,4})?(?:[:.–—-] ?.+)?|phụ lục(?: [a-z0-9]{1,4})?(?:[:.–—-] ?.+)?"),
    Role(name="colophon", matter="edge", types="colophon", titles=r"colophon|about (?:the type|this ebook|the font)|a note on the type"),
    Role(
        name="licence",
        matter="edge",
        titles=r"(?:the )?(?:full )?project gutenberg(?:™|\(tm\)|-tm)?(?: ebook of .+| e-?books?)?(?: licen[cs]e)?|licen[cs]es?|giấy phép",
        apart=True,
    ),
    Role(name="errata", matter="back", types="errata", titles=r"errata|đính chính"),
)  # fmt: skip
BY_NAME = {role.name: role for role in ROLES}
PARTITIONS: dict[str, Matter] = {"frontmatter": "front", "bodymatter": "body", "backmatter": "back"}

_BY_TYPE = {word: role for role in ROLES for word in role.types.split()}
_TITLES = [(re.compile(role.titles), role) for role in ROLES if role.titles]
_AROUND = re.compile(r"^[\W\d_]+|[\W_]+$")


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What is known of a part of a book before it has been weighed."""

    title: str
    types: Collection[str] = ()  # that its sections, its landmark or its place in the guide give it
    characters: int = 0
    before_text: bool = False  # stands before the place at which the book says that reading begins


def of_types(types: Collection[str]) -> Role | None:
    """What words of epub:type or a guide say that something is; the more special first."""
    return next((_BY_TYPE[word] for word in _BY_TYPE if word in types), None)


def of_title(title: str) -> Role | None:
    """What a title says that something is."""
    title = _AROUND.sub("", " ".join(unicodedata.normalize("NFC", title).casefold().split()))
    return next((role for pattern, role in _TITLES if pattern.fullmatch(title)), None) if title else None


def partition(types: Collection[str]) -> Matter | None:
    """Front, body or back, where a section says just that."""
    return next((matter for word, matter in PARTITIONS.items() if word in types), None)


def weigh(parts: Sequence[Signs]) -> list[tuple[Matter, str]]:
    """Matter and role of each part, in reading order.

    What a part says of itself counts first, then its title, which is believed only before the first and after the last chapter ("Index" may
    be the name of one in between), then where the book says that reading begins. A book is never nothing but front and back matter.
    """
    said = [of_types(part.types) for part in parts]
    titled = [of_title(part.title) for part in parts]
    early = _believable(parts)
    is_text = [
        _is_text(part, own or by_title, early=place < early)
        for place, (part, own, by_title) in enumerate(zip(parts, said, titled, strict=True))
    ]
    first = is_text.index(True) if True in is_text else len(parts)
    last = len(is_text) - 1 - is_text[::-1].index(True) if True in is_text else -1
    weighed: list[tuple[Matter, str]] = []
    for place, (part, own) in enumerate(zip(parts, said, strict=True)):
        role = own or titled[place]
        if role is not None and own is None and first < place < last and not role.anywhere and role.matter != "body":
            role = None
        name = role.name if role is not None else CHAPTER
        side: Matter = "front" if place < first else "back"
        explicit = partition(part.types)
        if role is not None and role.matter in ("front", "back"):
            weighed.append((role.matter, name))
        elif role is not None and role.matter == "edge":
            weighed.append((explicit if explicit in ("front", "back") else side, name))
        elif explicit is not None:
            weighed.append((explicit, name))
        else:
            weighed.append(("body" if role is not None or place >= early else "front", name))
    return weighed if any(matter == "body" for matter, _ in weighed) else _all_body(parts, weighed)


def by_titles(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    """Chapters of a document that says nothing about them but their titles."""
    signs = [Signs(title=chapter.title, characters=chapter.characters) for chapter in chapters]
    return tuple(
        dataclasses.replace(chapter, matter=matter, role=role)
        for chapter, (matter, role) in zip(chapters, weigh(signs), strict=True)
    )  # fmt: skip


def _is_text(part: Signs, role: Role | None, *, early: bool) -> bool:
    if role is not None:
        return role.matter == "body"
    explicit = partition(part.types)
    return not early if explicit is None else explicit == "body"


def _believable(parts: Sequence[Signs]) -> int:
    """How many parts at the beginning come before the text: none, where that would be too much of the book."""
    early = next((place for place, part in enumerate(parts) if not part.before_text), len(parts))
    front = sum(part.characters for part in parts[:early])
    return early if front <= LARGEST_FRONT * sum(part.characters for part in parts) else 0


def _all_body(parts: Sequence[Signs], weighed: Sequence[tuple[Matter, str]]) -> list[tuple[Matter, str]]:
    """Of a book without any text: the parts that hold prose; if there is none, all."""
    prose = {"foreword", "preface", "appendix", "dedication", "epigraph", "acknowledgments", "author", CHAPTER}
    mended: list[tuple[Matter, str]] = [("body" if role in prose and part.characters else matter, role) for part, (matter, role) in zip(parts, weighed, strict=True)]
    return mended if any(matter == "body" for matter, _ in mended) else [("body", role) for _, role in weighed]
