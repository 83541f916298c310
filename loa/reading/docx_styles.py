"""What a .docx says of its paragraphs beside them: styles (headings, verse, contents) and numbering ("Chương 3", "a)")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

DEEPEST = 6  # level of a heading
BASES = 20  # styles that are based on each other, at most; a circle ends there
LARGEST = 100_000  # number of an item; a start beyond it is not believed

_HEADING = re.compile(r"heading (\d)")
_CONTENTS = re.compile(r"toc (?:\d|heading)|table of (?:figures|authorities)|index \d")
_VERSE = re.compile(r"\b(?:verse|poem|poetry|stanza|thơ)\b")
_PLACE = re.compile(r"%(\d)")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_SILENT = ("bullet", "none")  # formats of numbers that say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a style of paragraphs, with those that it is based on, means for reading."""

    level: int = 0  # of a heading: 1 is the highest; 0: none
    role: str = ""  # "title" (or a subtitle), "contents", "verse"
    number: tuple[str, int] | None = None  # list and level of items in it
    bold: bool = False


@dataclass(slots=True)
class Styles:
    """The styles of a document, by id."""

    language: str | None = None  # that everything is in which says nothing else
    by_id: dict[str, Style] = field(default_factory=dict)
    default: Style = field(default_factory=Style)  # of paragraphs without one

    @classmethod
    def of(cls, root: etree._Element | None) -> Styles:
        """From word/styles.xml, if there is one."""
        if root is None:
            return cls()
        w = namespace(root)
        elements = {element.get(f"{w}styleId", ""): element for element in root.iterchildren(f"{w}style")}
        styles = cls(by_id={name: _style(name, elements, w) for name in elements})
        for name, element in elements.items():
            if element.get(f"{w}default") in ("1", "true") and element.get(f"{w}type", "paragraph") == "paragraph":
                styles.default = styles.by_id[name]
        language = root.find(f"{w}docDefaults/{w}rPrDefault/{w}rPr/{w}lang")
        styles.language = None if language is None else language.get(f"{w}val")
        return styles

    def of_paragraph(self, properties: etree._Element | None, w: str) -> Style:
        """The style of a paragraph, by its w:pPr."""
        name = None if properties is None else value(properties, "pStyle", w)
        return self.by_id.get(name, self.default) if name is not None else self.default


def _style(name: str, elements: dict[str, etree._Element], w: str) -> Style:
    level, role, number, bold = 0, "", None, None
    for element in _with_bases(name, elements, w):
        called = (value(element, "name", w) or "").lower()
        properties = element.find(f"{w}pPr")
        if not level and (heading := _HEADING.fullmatch(called)):
            level = min(int(heading[1]), DEEPEST)
        if properties is not None:
            level = level or outline_level(properties, w)
            number = number or numbering(properties, w)
        role = role or ("contents" if _CONTENTS.fullmatch(called) else "title" if called in ("title", "subtitle") else "")
        role = role or ("verse" if _VERSE.search(called) else "")
        if bold is None and (weight := element.find(f"{w}rPr/{w}b")) is not None:
            bold = is_on(weight, w)
    return Style(level=0 if role else level, role=role, number=number, bold=bool(bold))


def _with_bases(name: str, elements: dict[str, etree._Element], w: str) -> Iterator[etree._Element]:
    for _ in range(BASES):
        if (element := elements.get(name)) is None:
            return
        yield element
        name = value(element, "basedOn", w) or ""


def outline_level(properties: etree._Element, w: str) -> int:
    """The level of the heading that a w:pPr makes; 0: none."""
    level = value(properties, "outlineLvl", w) or ""
    return min(int(level) + 1, DEEPEST) if level.isdecimal() and int(level) < 9 else 0  # 9 is body text


def numbering(properties: etree._Element, w: str) -> tuple[str, int] | None:
    """The list and the level that a w:pPr names; the list is "0" where it takes its paragraph out of one."""
    element = properties.find(f"{w}numPr")
    if element is None:
        return None
    level = value(element, "ilvl", w) or "0"
    return value(element, "numId", w) or "", min(int(level), 8) if level.isdecimal() else 0


@dataclass(slots=True)
class _Level:
    form: str  # of its numbers: "decimal", "lowerLetter", "bullet" …
    text: str  # "Chương %1:", where %1 stands for the number of the first level
    start: int


class Numbering:
    """The numbers that Word writes in front of paragraphs, counted as they come."""

    def __init__(self, root: etree._Element | None) -> None:
        """From word/numbering.xml, if there is one."""
        self._lists: dict[str, tuple[str, dict[int, _Level]]] = {}  # id → what it counts with, and its levels
        self._counts: dict[str, list[int]] = {}
        if root is None:
            return
        w = namespace(root)
        abstract = {element.get(f"{w}abstractNumId", ""): _levels(element, w) for element in root.iterchildren(f"{w}abstractNum")}
        for element in root.iterchildren(f"{w}num"):
            name = element.get(f"{w}numId", "")
            shared = value(element, "abstractNumId", w) or ""
            restarts = [override for override in element.iterchildren(f"{w}lvlOverride") if override.find(f"{w}startOverride") is not None]
            levels = dict(abstract.get(shared, {}))
            for override in restarts:
                place = int(override.get(f"{w}ilvl", "0"))
                if place in levels:
                    start = _number(value(override, "startOverride", w), levels[place].start)
                    levels[place] = _Level(levels[place].form, levels[place].text, start)
            self._lists[name] = (name if restarts else f"abstract {shared}", levels)

    def next(self, number: tuple[str, int]) -> str | None:
        """What stands in front of the next paragraph at that level of that list, "" for a bullet; None: it is in no list."""
        name, level = number
        counts_with, levels = self._lists.get(name, ("", {}))
        if level not in levels:
            return None
        counts = self._counts.setdefault(counts_with, [0] * 9)
        for above in range(level):
            if not counts[above] and above in levels:
                counts[above] = levels[above].start
        counts[level] = counts[level] + 1 if counts[level] else levels[level].start
        counts[level + 1 :] = [0] * (8 - level)
        if levels[level].form in _SILENT:
            return ""
        return _PLACE.sub(lambda match: _written(counts[int(match[1]) - 1], levels.get(int(match[1]) - 1)), levels[level].text).strip()


def _levels(element: etree._Element, w: str) -> dict[int, _Level]:
    levels: dict[int, _Level] = {}
    for level in element.iterchildren(f"{w}lvl"):
        place = level.get(f"{w}ilvl", "")
        if place.isdecimal() and int(place) < 9:
            form, text = value(level, "numFmt", w) or "decimal", value(level, "lvlText", w) or ""
            levels[int(place)] = _Level(form, text[:200], _number(value(level, "start", w), 1))
    return levels


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 7 and int(text) < LARGEST else otherwise


def _written(number: int, level: _Level | None) -> str:
    form = level.form if level is not None else "decimal"
    if form in ("lowerLetter", "upperLetter") and number > 0:
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 % 10 + 1)  # … z, aa, bb
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = ""
        for worth, letters in _ROMAN:
            roman += letters * (number // worth)
            number %= worth
        return roman.upper() if form == "upperRoman" else roman
    return str(number)


def namespace(root: etree._Element) -> str:
    """The namespace of WordprocessingML that a part is written in, in braces: there are two, the strict one and the usual."""
    return root.tag.partition("}")[0] + "}" if "}" in root.tag else ""


def value(element: etree._Element, name: str, w: str) -> str | None:
    """The w:val of a child; None: there is none."""
    child = element.find(f"{w}{name}")
    return None if child is None else child.get(f"{w}val")


def is_on(element: etree._Element, w: str) -> bool:
    """Whether a switch such as w:b is on: it is, unless it says otherwise."""
    return element.get(f"{w}val", "1") not in ("0", "false", "off", "none")
