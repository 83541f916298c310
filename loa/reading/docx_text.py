"""The body of a .docx as passages: paragraphs with what their properties say, and rows of tables as sentences.

What a listener does not want is counted and left out: footnotes, comments, deleted revisions, tables of contents, page numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from loa.reading.docx_styles import Numbering, Style, Styles, is_on, numbering, outline_level, value
from loa.reading.pictures import description

LONGEST_CELL = 400  # characters; tables with longer cells lay out text

_TRANSPARENT = frozenset((
    "hyperlink", "smartTag", "customXml", "sdt", "sdtContent", "ins", "moveTo", "dir", "bdo", "ruby", "rubyBase", "AlternateContent",
    "Choice",
))  # fmt: skip
_REVISIONS = frozenset(("del", "moveFrom"))
_NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote", "commentReference": "comment"}
_PICTURES = frozenset(("drawing", "pict", "object"))
_SILENT_FIELDS = frozenset((
    "TOC", "INDEX", "TOA", "RD", "XE", "TC", "TA", "PAGE", "PAGEREF", "NUMPAGES", "SECTIONPAGES", "SECTION", "NOTEREF", "ADVANCE",
))  # fmt: skip
_BUILT_MATHS = frozenset((
    "f", "rad", "nary", "m", "eqArr", "d", "func", "limLow", "limUpp", "sPre", "sSub", "sSubSup", "groupChr", "bar", "acc",
))  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_EXPONENT = re.compile(r"[0-9+\-−n]+")


@dataclass(slots=True)
class Passage:
    """A paragraph, or a row of a table."""

    text: str = ""  # lines are parted by "\n"
    style: Style = field(default_factory=Style)
    level: int = 0  # of a heading
    number: str | None = None  # in front of it, "" for a bullet; None: it is no item
    row: bool = False
    bold: bool = False  # all of it
    centred: bool = False
    languages: Counter[str | None] = field(default_factory=Counter)  # of its characters, as their runs say


@dataclass(slots=True)
class _Field:
    """A field: its instruction, then what it shows."""

    instruction: str = ""
    shows: bool = False

    @property
    def is_silent(self) -> bool:
        return (self.instruction.split(maxsplit=1) or [""])[0].upper() in _SILENT_FIELDS


@dataclass(slots=True)
class _Line:
    """The text of a paragraph while it is collected."""

    pieces: list[str] = field(default_factory=list)
    languages: Counter[str | None] = field(default_factory=Counter)
    bold: int = 0  # characters
    boxes: list[etree._Element] = field(default_factory=list)  # text boxes that are anchored in it
    pictures: list[str] = field(default_factory=list)  # what is said of those in it


class Body:
    """Reads the body of a document. `omitted` counts what was left out, by its name."""

    def __init__(self, styles: Styles, numbers: Numbering, w: str) -> None:
        self._styles, self._numbers, self._w = styles, numbers, w
        self._fields: list[_Field] = []  # those that are open, across paragraphs
        self.omitted: Counter[str] = Counter()

    def passages(self, element: etree._Element) -> Iterator[Passage]:
        """The paragraphs and rows in an element, in their order."""
        for child in element.iterchildren():
            name = _name(child)
            if name == "p":
                yield from self._paragraph(child)
            elif name == "tbl":
                yield from self._table(child)
            elif name == "sdt" and self._is_contents(child):
                self.omitted["table of contents"] += 1
            elif name in _TRANSPARENT:
                yield from self.passages(child)
            elif name in _REVISIONS:
                self.omitted["deleted passage"] += 1
            elif name == "altChunk":
                self.omitted["embedded document"] += 1

    def _is_contents(self, control: etree._Element) -> bool:
        gallery = control.find(f"{self._w}sdtPr/{self._w}docPartObj/{self._w}docPartGallery")
        return gallery is not None and gallery.get(f"{self._w}val") == "Table of Contents"

    def _paragraph(self, element: etree._Element) -> Iterator[Passage]:
        w = self._w
        properties = element.find(f"{w}pPr")
        style = self._styles.of_paragraph(properties, w)
        silent = self._is_silent()
        line = _Line()
        self._inline(element, line)
        text = "".join(line.pieces)
        level, number, centred = style.level, style.number, False
        if properties is not None:
            level = level or (outline_level(properties, w) if not style.role else 0)
            number = numbering(properties, w) or number
            centred = value(properties, "jc", w) == "center"
        if style.role == "contents" and text.strip():
            self.omitted["line of a table of contents"] += 1
        elif text.strip():
            yield Passage(
                text=text,
                style=style,
                level=level,
                number=None if number is None else self._numbers.next(number),
                bold=style.bold or line.bold >= sum(line.languages.values()),
                centred=centred,
                languages=line.languages,
            )
        elif (silent or self._is_silent()) and element.find(f".//{w}t") is not None:
            self.omitted["line of a table of contents"] += 1
        for said in line.pictures:
            yield Passage(text=said)
        for box in line.boxes:
            yield from self.passages(box)

    def _inline(self, element: etree._Element, line: _Line) -> None:
        for child in element.iterchildren():
            name = _name(child)
            if name == "r":
                self._run(child, line)
            elif name in _REVISIONS:
                self.omitted["deleted passage"] += 1
            elif name == "fldSimple":
                simple = _Field(instruction=child.get(f"{self._w}instr", ""), shows=True)
                self._fields.append(simple)
                self._inline(child, line)
                self._fields.pop()
            elif name in ("oMath", "oMathPara"):
                self._formula(child, line)
            elif name in _TRANSPARENT:
                self._inline(child, line)

    def _run(self, run: etree._Element, line: _Line) -> None:
        w = self._w
        properties = run.find(f"{w}rPr")
        language, bold, raised = self._styles.language, False, False
        if properties is not None:
            if any((switch := properties.find(f"{w}{name}")) is not None and is_on(switch, w) for name in ("vanish", "webHidden")):
                return
            language = value(properties, "lang", w) or language
            bold = (weight := properties.find(f"{w}b")) is not None and is_on(weight, w)
            raised = value(properties, "vertAlign", w) == "superscript"
        for child in run.iterchildren():
            name = _name(child)
            if name == "fldChar":
                self._field(child.get(f"{w}fldCharType", ""))
            elif name == "instrText":
                if self._fields and not self._fields[-1].shows:
                    self._fields[-1].instruction += (child.text or "")[:200]
            elif name in _NOTES:
                self.omitted[_NOTES[name]] += 1
            elif self._is_silent():
                continue
            elif name == "t":
                text = " ".join((child.text or "").split("\n"))
                line.pieces.append(text.translate(_SUPERSCRIPTS) if raised and _EXPONENT.fullmatch(text) else text)
                letters = len(text.replace(" ", ""))
                line.languages[language] += letters
                line.bold += letters * bold
            elif name in ("tab", "ptab"):
                line.pieces.append(" ")
            elif name == "cr" or (name == "br" and child.get(f"{w}type", "textWrapping") == "textWrapping"):
                line.pieces.append("\n")
            elif name == "br":
                line.pieces.append(" ")
            elif name == "noBreakHyphen":
                line.pieces.append("-")
            elif name in _PICTURES:
                self._picture(child, line)
            elif name in _TRANSPARENT:
                self._alternative(child, line)

    def _alternative(self, element: etree._Element, line: _Line) -> None:
        """What a run says in two ways, for newer programs first: one of them."""
        for child in element.iterchildren():
            name = _name(child)
            if name in _PICTURES:
                self._picture(child, line)
            elif name == "r":
                self._run(child, line)
            elif name in _TRANSPARENT:
                self._alternative(child, line)

    def _field(self, step: str) -> None:
        if step == "begin":
            self._fields.append(_Field())
        elif step == "separate" and self._fields:
            self._fields[-1].shows = True
        elif step == "end" and self._fields:
            self._fields.pop()

    def _is_silent(self) -> bool:
        """Whether the place is in the instruction of a field, or in what one shows that nobody wants to hear."""
        return any(not field.shows or field.is_silent for field in self._fields)

    def _picture(self, element: etree._Element, line: _Line) -> None:
        boxes = [box for box in element.iter(f"{self._w}txbxContent") if not _is_within(box, element, "txbxContent")]
        line.boxes += boxes
        if boxes:
            return
        said = next((descr for item in element.iter() if (descr := item.get("descr") or item.get("alt"))), "")
        if text := description(etree.Element("img", alt=_printable(said))):
            line.pictures.append(text)
        else:
            self.omitted["picture"] += 1

    def _formula(self, element: etree._Element, line: _Line) -> None:
        if not any(_name(item) in _BUILT_MATHS for item in element.iter()):
            text = "".join(item.text or "" for item in element.iter() if _name(item) == "t")
            line.pieces.append(text)
            line.languages[None] += len(text)
        else:
            self.omitted["formula"] += 1

    def _table(self, table: etree._Element) -> Iterator[Passage]:
        rows = [row for row in self._rows(table) if row.find(f"{self._w}trPr/{self._w}del") is None]
        cells = [[[*self.passages(cell)] for cell in row.iterchildren() if _name(cell) == "tc"] for row in rows]
        texts = [[" ".join(" ".join(passage.text.split()) for passage in cell) for cell in row] for row in cells]
        if max(map(len, texts), default=0) < 2 or len(rows) < 2 or any(len(text) > LONGEST_CELL for row in texts for text in row):
            yield from (passage for row in cells for cell in row for passage in cell)  # it lays text out
            return
        headed = any(row.find(f"{self._w}trPr/{self._w}tblHeader") is not None for row in rows[:1]) or self._looks_headed(table)
        headers = texts[0] if headed and len(set(texts[0])) == len(texts[0]) and all(texts[0][1:]) else []
        for row, row_cells in zip(texts[bool(headers) :], cells[bool(headers) :], strict=True):
            said = [
                f"{headers[column].rstrip(':')}: {text}" if len(headers) == len(row) and headers[column] else text
                for column, text in enumerate(row)
                if text
            ]
            if said:
                languages = sum((passage.languages for cell in row_cells for passage in cell), Counter[str | None]())
                yield Passage(text=_sentence("; ".join(part.rstrip(".;") for part in said)), row=True, languages=languages)

    def _rows(self, table: etree._Element) -> Iterator[etree._Element]:
        for child in table.iterchildren():
            if _name(child) == "tr":
                yield child
            elif _name(child) in _TRANSPARENT:
                yield from self._rows(child)

    def _looks_headed(self, table: etree._Element) -> bool:
        """Whether the first row is set as headers are, as Word does unless it is told not to."""
        look = table.find(f"{self._w}tblPr/{self._w}tblLook")
        if look is None:
            return False
        bits = look.get(f"{self._w}val", "0")
        return look.get(f"{self._w}firstRow") in ("1", "true") or (
            bool(re.fullmatch(r"[0-9A-Fa-f]{1,8}", bits)) and bool(int(bits, 16) & 0x20)
        )


def _name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _is_within(element: etree._Element, top: etree._Element, name: str) -> bool:
    """Whether an element stands in another of that name, or in the older of two ways to say the same, below `top`."""
    for above in element.iterancestors():
        if above is top:
            return False
        if _name(above) in (name, "Fallback"):
            return True
    return False


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable() or character == " ")


def _sentence(text: str) -> str:
    return text if text[-1:] in ".!?…" else f"{text}."
