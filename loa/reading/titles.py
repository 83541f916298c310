"""Lines of plain text that are headings, in English and Vietnamese: "CHAPTER 1. Loomings.", "Hồi thứ nhất", "Lời nói đầu"."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 100  # characters of a heading
PART, CHAPTER, SECTION, PLAIN = 1, 2, 3, 4  # levels; plain: a line in capitals

_LEVELS = {
    PART: "part|book|volume|act|phần|quyển|tập|cuốn|màn",
    CHAPTER: "chapter|canto|letter|stave|chương|hồi|bài|thư",
    SECTION: "scene|section|cảnh|mục|tiết",
}
_ENGLISH = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty"
    "|forty|fifty|sixty|seventy|eighty|ninety|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    "|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth|last"
)
_VIETNAMESE = (
    "một|hai|ba|bốn|tư|năm|lăm|sáu|bảy|bẩy|tám|chín|mười|mươi|mốt|nhất|nhì|nhị|tam|tứ|ngũ|lục|thất|bát|cửu|thập|cuối|chót|linh|lẻ|trăm"
)
_NUMBER = (
    rf"(?:\d{{1,4}}|(?=[ivxlc])(?:c{{0,3}})(?:x[cl]|l?x{{0,3}})(?:i[xv]|v?i{{0,3}})"
    rf"|(?:{_ENGLISH})(?:[- ](?:{_ENGLISH})){{0,2}}|(?:{_VIETNAMESE})(?: (?:{_VIETNAMESE})){{0,4}})"
)
_NUMBERED = re.compile(
    rf"(?:the )?(?P<word>{'|'.join(_LEVELS.values())}) (?:the |thứ |số )?(?P<number>{_NUMBER})(?P<end>[.:)]*(?: ?[-–—] ?| |$)|$)",
    re.IGNORECASE,
)
_LEVEL_OF = {word: level for level, words in _LEVELS.items() for word in words.split("|")}
_NAMED = re.compile(
    r"(?:(?:author'?s |translator'?s |editor'?s |publisher'?s )?(?:preface|foreword|introduction|introductory|note|notes|prologue|epilogue"
    r"|afterword|postscript|conclusion|dedication|acknowledge?ments|appendix(?: [a-z0-9]{1,4}(?:[.:] .+)?)?|glossary|index|bibliography"
    r"|contents|table of contents|list of illustrations|etymology|about the author|copyright)"
    r"|mở đầu|phần mở đầu|lời (?:mở đầu|nói đầu|giới thiệu|tựa|đề từ|bạt|kết|cảm ơn|cám ơn|ngỏ|dẫn|người dịch|tác giả|nhà xuất bản)"
    r"|tựa|đề từ|dẫn nhập|khai từ|nhập đề|kết luận|phần kết|đoạn kết|vĩ thanh|phụ lục(?: [a-z0-9]{1,4}(?:[.:] .+)?)?|mục lục"
    r"|chú thích|chú giải|ghi chú|tài liệu tham khảo|bảng tra cứu|về tác giả|tiểu sử tác giả|thư mục)",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"contents|table of contents|mục lục", re.IGNORECASE)
_LEADERS = re.compile(r"(?:\s*\.){2,}\s*\d*$|\s*…+\s*\d*$|\s{2,}\d+$")  # "Loomings ........ 12", in a table of contents
_BARE = re.compile(r"\d{1,3}|[ivxlc]{1,7}", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_KEY = re.compile(r"[\W_]+")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@dataclass(frozen=True, kw_only=True)
class Title:
    """A line that is a heading."""

    text: str
    level: int
    key: str  # the same for a chapter and for its line in a table of contents
    numbered: bool = False  # "Chapter 3", and no name such as "Preface"
    alone: bool = False  # a number without a title, which may be the next line

    @property
    def is_contents(self) -> bool:
        return _CONTENTS.fullmatch(self.key) is not None


def title_of(line: str) -> Title | None:
    """The heading that a line is, standing alone; None: it is none."""
    if len(line) > 3 * LONGEST:  # with the leaders of a table of contents
        return None
    line = without_leaders(line)
    if not line or len(line) > LONGEST or line[-1] in ",;":
        return None
    if _NAMED.fullmatch(line.rstrip(" .:")):
        return Title(text=line, level=CHAPTER, key=line.rstrip(" .:").lower())
    if (numbered := _NUMBERED.match(line)) is not None:
        rest = line[numbered.end() :]
        if not rest or rest[0].isupper() or rest[0] in "\"'“‘«(" or numbered["end"].strip():
            key = f"{numbered['word']} {numbered['number']}".lower()
            return Title(text=line, level=_LEVEL_OF[numbered["word"].lower()], key=key, numbered=True, alone=not rest)
    letters = [character for character in line if character.isalpha()]
    if len(letters) > 1 and bare_number(line) is None and line.upper() == line and line.lower() != line and len(line) <= LONGEST // 2:
        return Title(text=line, level=PLAIN, key=_KEY.sub(" ", line.lower()).strip())
    return None


def without_leaders(line: str) -> str:
    """A line of a table of contents without the dots and the page at its end."""
    return " ".join(_LEADERS.sub("", line[: 3 * LONGEST]).split())


def could_be_title(line: str) -> bool:
    """Whether a line may be the title of the chapter whose number stands above it."""
    line = line.strip()
    return 0 < len(line) <= LONGEST and not line[0].islower() and (line[-1] not in ".!?…,;:" or line.upper() == line)


def bare_number(line: str) -> int | None:
    """The value of a line that is nothing but a number, "12" or "XII."; None: it is none."""
    line = line.strip().rstrip(".").lower()
    if not _BARE.fullmatch(line):
        return None
    if line.isdigit():
        return int(line)
    values = [_ROMAN[letter] for letter in line]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))


def names_contents(line: str) -> bool:
    """Whether a line stands above a table of contents."""
    title = title_of(line)
    return title is not None and title.is_contents


def fold(text: str) -> str:
    """A title as it is compared: its words in small letters."""
    return " ".join(_WORDS.findall(text.casefold()))
