"""What parts of a book can be, and the words by which they call themselves, in English and Vietnamese.

The division into front matter, text and back matter follows the Chicago Manual of Style: a foreword and a preface come before the text; an
introduction, a prologue, an epilogue and an afterword are text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from loa.reading.document import Matter


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a part of a book can be."""

    name: str
    matter: Matter | Literal["edge"]  # edge: front or back, whichever side of the text it stands on
    types: str = ""  # words of epub:type, DPUB-ARIA and the guide of EPUB 2 that say so, parted by blanks
    titles: str = ""  # a pattern, for the whole title in small letters, without numbers and punctuation at its ends
    anywhere: bool = False  # a title is believed even between two chapters, of what is mostly a list
    apart: bool = False  # a section that says so is no part of the chapter in which it stands
    spreads: bool = False  # what a table of contents puts below it is the same


ROLES = (
    Role(
        name="cover",
        matter="front",
        types="cover cover-page coverpage",
        titles=r"(?:front )?cover(?: page| image)?|bìa(?: sách| trước)?|trang bìa",
    ),
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
        titles=r"(?:copyright|imprint|legal)(?: page| notice| information| and permissions?)?"
        r"|(?:thông tin )?(?:bản quyền|xuất bản|sách|ebook)|trang bản quyền|permissions|credits|disclaimer",
        apart=True,
    ),
    Role(
        name="contents",
        matter="edge",
        types="toc toc-brief loi lot loa lov",
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
        r"|newsletters?(?: sign ?up)?|advertisements?"
        r"|(?:(?:các )?(?:sách |tác phẩm ))?cùng tác giả|lời khen (?:tặng|ngợi).*",
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
        spreads=True,
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
    Role(
        name="introduction",
        matter="body",
        types="introduction preamble",
        titles=r"introduction|introductory|lời giới thiệu|lời (?:mở|dẫn) đầu|lời dẫn|dẫn nhập",
    ),
    Role(name="prologue", matter="body", types="prologue", titles=r"prologue|mở đầu|khúc dạo đầu|lời mở|khai từ|tự ngôn"),
    Role(name="epilogue", matter="body", types="epilogue", titles=r"epilogue|vĩ thanh|đoạn kết|phần kết|lời kết"),
    Role(name="conclusion", matter="body", types="conclusion", titles=r"conclusions?|kết luận|kết"),
    Role(name="afterword", matter="body", types="afterword", titles=r"afterw(?:o|a)rds?|postscript|lời bạt"),
    Role(
        name="notes",
        matter="edge",
        types="endnotes footnotes rearnotes notes",
        spreads=True,
        titles=r"(?:end|foot)?notes|notes (?:and|&) (?:references|sources)|(?:lời )?chú (?:thích|giải)|ghi chú|cước chú",
        anywhere=True,
        apart=True,
    ),
    Role(
        name="bibliography",
        matter="edge",
        types="bibliography references",
        spreads=True,
        titles=r"(?:selected |select )?bibliograph(?:y|ies)|references|works cited|further reading|sources|tài liệu (?:tham khảo|trích dẫn)"
        r"|thư mục(?: tham khảo)?|sách tham khảo",
        anywhere=True,
        apart=True,
    ),
    Role(
        name="index",
        matter="edge",
        types="index index-group",
        spreads=True,
        titles=r"(?:general |subject |name )?ind(?:ex|exes|ices)|index of .+|(?:bảng )?(?:chỉ mục|tra cứu)|sách dẫn|bảng (?:dẫn|tra).*",
        apart=True,
    ),
    Role(
        name="glossary",
        matter="edge",
        types="glossary",
        spreads=True,
        titles=r"glossar(?:y|ies)(?: of terms)?|(?:bảng )?(?:giải thích )?thuật ngữ|bảng chú giải.*",
        apart=True,
    ),
    Role(
        name="appendix",
        matter="back",
        types="appendix",
        spreads=True,
        titles=r"appendi(?:x|ces)(?: [a-z0-9]{1,4})?(?:[:.–—-] ?.+)?|phụ lục(?: [a-z0-9]{1,4})?(?:[:.–—-] ?.+)?",
    ),
    Role(name="colophon", matter="edge", types="colophon", titles=r"colophon|about (?:the type|this ebook|the font)|a note on the type"),
    Role(
        name="licence",
        matter="edge",
        titles=r"(?:the )?(?:full )?project gutenberg(?:™|\(tm\)|-tm)?(?: ebook of .+| e-?books?)?(?: licen[cs]e)?|licen[cs]es?|giấy phép",
        apart=True,
    ),
    Role(name="errata", matter="back", types="errata", titles=r"errata|đính chính"),
)
PARTITIONS: dict[str, Matter] = {"frontmatter": "front", "bodymatter": "body", "backmatter": "back"}

_BY_TYPE = {word: role for role in ROLES for word in role.types.split()}
_TITLES = [(re.compile(role.titles), role) for role in ROLES if role.titles]
_AROUND = re.compile(r"^[\W\d_]+|[\W_]+$")


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
