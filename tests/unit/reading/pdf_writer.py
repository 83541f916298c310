"""Small PDFs for tests, written by hand: text at places, pictures, an outline, properties.

Every letter is half a font size wide, so a test can tell where a line ends. The fonts bring no shapes, only which letters their codes mean.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

WIDTH, HEIGHT = 400.0, 600.0
MARGIN = 50.0
SIZE, LEADING = 10.0, 13.0
LETTER = 0.5  # font sizes


@dataclass
class Pdf:
    """A document that is being written; places are points from the top left corner."""

    pages: list[list[bytes]] = field(default_factory=list)
    outline: list[tuple[str, int, int, float | None]] = field(default_factory=list)  # title, level from 1, page from 0, points from the top
    info: dict[str, str] = field(default_factory=dict)
    language: str = ""
    encryption: bytes = b""
    rotation: int = 0  # of all pages
    looped: bool = False  # the end of the outline leads back to its beginning
    _codes: dict[str, int] = field(default_factory=dict)
    y: float = 0.0

    def page(self) -> None:
        """Begins a page."""
        self.pages.append([])
        self.y = MARGIN + SIZE

    def text(self, x: float, y: float, text: str, *, size: float = SIZE, font: str = "F1") -> float:
        """Writes at a place; returns where the text ends."""
        codes = b"".join(b"%04x" % self._codes.setdefault(letter, len(self._codes) + 1) for letter in text)
        self.pages[-1].append(b"BT /%s %g Tf 1 0 0 1 %g %g Tm <%s> Tj ET" % (font.encode(), size, x, HEIGHT - y, codes))
        return x + LETTER * size * len(text)

    def picture(self) -> None:
        self.pages[-1].append(b"q 400 0 0 600 0 0 cm /I1 Do Q")

    def line(self, text: str, *, x: float = MARGIN, size: float = SIZE, font: str = "F1", leading: float = LEADING) -> None:
        """Writes the next line of the page."""
        self.text(x, self.y, text, size=size, font=font)
        self.y += leading

    def paragraph(
        self, text: str, *, x: float = MARGIN, width: float = WIDTH - 2 * MARGIN, size: float = SIZE, indent: float = 15.0
    ) -> None:
        """Writes lines as wide as they may be, the first further in; on as many pages as it takes."""
        for number, line in enumerate(wrapped(text, int(width / (LETTER * size)), int(indent / (LETTER * size)))):
            if self.y > HEIGHT - MARGIN:
                self.page()
            self.line(line, x=x + (indent if number == 0 else 0), size=size, leading=LEADING * size / SIZE)

    def gap(self, points: float = 10.0) -> None:
        self.y += points

    def bytes(self) -> bytes:
        """The file."""
        objects: list[bytes] = [b""] * 10
        kids = []
        for page in self.pages:
            content = zlib.compress(b"\n".join(page))
            objects.append(b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(content), content))
            objects.append(
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %g %g]/Rotate %d/Contents %d 0 R/Resources<</Font<</F1 3 0 R/F2 4 0 R/F3 5 0 R>>"
                b"/XObject<</I1 8 0 R>>>>>>" % (WIDTH, HEIGHT, self.rotation, len(objects))
            )
            kids.append(len(objects))
        outlines = self._outline(objects, kids)
        language = b"/Lang" + _string(self.language) if self.language else b""
        objects[0] = b"<</Type/Catalog/Pages 2 0 R%s%s>>" % (b"/Outlines %d 0 R" % outlines if outlines else b"", language)
        objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
        for place, name in enumerate((b"Test-Serif", b"Test-Serif-Bold", b"Test-Mono")):
            objects[2 + place] = b"<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode 6 0 R>>" % (
                name, (7, 9, 10)[place],
            )  # fmt: skip
            objects[(6, 8, 9)[place]] = (
                b"<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 500"
                b"/FontDescriptor<</Type/FontDescriptor/FontName/%s/Flags 4/Ascent 800/Descent -200/CapHeight 700/StemV 80/ItalicAngle 0"
                b"/FontBBox[0 -200 500 800]>>>>" % (name, name)
            )
        objects[5] = _stream(self._to_unicode())
        objects[7] = _stream(b"\x80", b"/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8")
        info = b"".join(b"/%s%s" % (key.encode(), _string(text)) for key, text in self.info.items())
        objects.append(b"<<%s>>" % info)
        return file_of(objects, b"/Info %d 0 R%s" % (len(objects), self.encryption))

    def _outline(self, objects: list[bytes], kids: list[int]) -> int:
        if not self.outline:
            return 0
        first = len(objects) + 2  # the number of the first entry; the root stands before it
        root = first - 1
        parents: list[int] = []
        levels = [level for _, level, _, _ in self.outline]
        objects.append(
            b"<</Type/Outlines/First %d 0 R/Last %d 0 R>>" % (first, first + max(i for i, level in enumerate(levels) if level == 1))
        )
        for place, (title, level, page, top) in enumerate(self.outline):
            del parents[level - 1 :]
            parent = parents[-1] if parents else root
            parents.append(first + place)
            rest = [i for i in range(place + 1, len(levels)) if all(between >= level for between in levels[place + 1 : i + 1])]
            following = next((i for i in rest if levels[i] == level), None)
            children = [i for i in rest if levels[i] == level + 1 and (following is None or i < following)]
            target = b"[%d 0 R /Fit]" % kids[page] if top is None else b"[%d 0 R /XYZ 0 %g 0]" % (kids[page], HEIGHT - top)
            if following is None and self.looped:
                following = 0
            links = b"/Next %d 0 R" % (first + following) if following is not None else b""
            links += b"/First %d 0 R/Last %d 0 R" % (first + children[0], first + children[-1]) if children else b""
            objects.append(b"<</Title%s/Parent %d 0 R/Dest%s%s>>" % (_string(title), parent, target, links))
        return root

    def _to_unicode(self) -> bytes:
        pairs = [b"<%04x> <%s>" % (code, letter.encode("utf-16-be").hex().encode()) for letter, code in self._codes.items()]
        blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
        return (
            b"/CIDInit /ProcSet findresource begin begincmap\n1 begincodespacerange <0000> <ffff> endcodespacerange\n%s\nendcmap end"
            % b"\n".join(b"%d beginbfchar\n%s\nendbfchar" % (len(block), b"\n".join(block)) for block in blocks)
        )


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Lines of at most `width` letters, the first shorter by `indent`."""
    lines, line, most = [], "", width - indent
    for word in text.split():
        if line and len(line) + 1 + len(word) > most:
            lines.append(line)
            line, most = "", width
        line = f"{line} {word}" if line else word
    return [*lines, line]


def file_of(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    content, places = b"%PDF-1.7\n", []
    for number, item in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return content + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, trailer, len(content),
    )  # fmt: skip


def _stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def _string(text: str) -> bytes:
    return b"<%s>" % ("\ufeff" + text).encode("utf-16-be").hex().encode()
