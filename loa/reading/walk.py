"""From a tree of markup to what a listener wants of it: headings, paragraphs, items, rows of tables, lines of poems, and nothing else."""

from __future__ import annotations

import dataclasses
from collections import Counter

from lxml import etree

from loa.errors import DocumentTooLarge
from loa.reading import breaks, names, notes, pictures, vocabulary
from loa.reading.document import BlockKind
from loa.reading.draft import Draft
from loa.reading.limits import Limits
from loa.reading.page import Page
from loa.reading.places import Found, Place, has_lines, is_text, kind_and_level, language_of
from loa.reading.tables import Table, is_data

LONGEST_HEADING = 300  # characters; more is a paragraph in large letters
_AFTER_SENTENCE = '.,;:!?…”’»"'
_ALTERNATIVES = frozenset({"svg", "video", "canvas", "object", "embed"})  # pictures that are not <img>


def page_of(root: etree._Element, limits: Limits, *, web: bool = False) -> Page:
    """What a tree holds. `web`: a page of its own, of which navigation, adverts and the like are left out.

    Raises TextTooLong and DocumentTooLarge.
    """
    return _Walk(limits, web=web).page(root)


class _Walk:
    def __init__(self, limits: Limits, *, web: bool) -> None:
        self._limits = limits
        self._web = web
        self._found: list[Found] = []
        self._characters = 0
        self._pictures = 0
        self._omitted: Counter[str] = Counter()
        self._marks: set[str] = set()
        self._anchors: dict[str, int] = {}
        self._waiting: list[str] = []  # ids of elements, until the text that follows
        self._draft = Draft()
        self._interrupted: list[tuple[etree._Element, Draft]] = []  # notes within a paragraph, and the paragraph so far
        self._table: Table | None = None
        self._in_cell = False
        self._stanza: etree._Element | None = None  # holds the lines that the last passage is made of
        self._breaking: dict[etree._Element, bool] = {}  # in poems: whether <br/> ends the lines of an element
        self._raised = 0  # superscripts around the text

    def page(self, root: etree._Element) -> Page:
        self._walk(root)
        passages, marks = notes.unlinked([found.passage() for found in self._found])
        self._omitted["footnote mark"] += marks
        for anchor in self._waiting:
            self._anchors.setdefault(anchor, len(passages))
        top = root.getroottree().getroot()
        title = next((element for element in top.iter("{*}title", "title") if names.local(element.getparent()) == "head"), None)
        return Page(
            title=None if title is None else " ".join("".join(title.itertext()).split()) or None,
            language=next(
                filter(None, (language_of(element) for element in (top, *top) if names.local(element) in ("html", "body"))), None
            ),
            passages=tuple(passages),
            anchors=self._anchors,
            marks=frozenset(self._marks),
            pictures=self._pictures,
            omitted=self._omitted,
        )

    # Through the tree, without recursion

    def _walk(self, root: etree._Element) -> None:
        place = Place(root)
        around = [(root, place, iter(root))]
        self._add(root.text, place)
        while around:
            element, place, children = around[-1]
            child = next(children, None)
            if child is None:
                self._leave(element, place)
                around.pop()
                if around:
                    self._add(element.tail, around[-1][1])
            elif (inner := self._enter(child, place)) is None:
                self._add(child.tail, place)
            else:
                around.append((child, inner, iter(child)))
                self._add(child.text, inner)

    def _enter(self, element: etree._Element, place: Place) -> Place | None:
        """The place of the text in an element; None: none of it is heard, or it has been taken."""
        name = names.local(element)
        if not name:
            return None
        if len(element.attrib):
            self._waiting += filter(None, (element.get("id"), element.get("name") if name == "a" else None))
        said = vocabulary.types(element)
        if self._is_unheard(element, name, said, place):
            return None
        if name in _INLINE:
            return _INLINE[name](self, element, said, place)
        language = language_of(element) if name not in ("html", "body") else None
        is_note = vocabulary.is_note(element, said)
        if (
            name in vocabulary.BLOCKS
            or is_note
            or (place.verse and vocabulary.is_line(element) and not self._breaks_lines(element.getparent()))
        ):
            return self._enter_block(element, name, said, place, is_note=is_note, language=language)
        return place if language is None else dataclasses.replace(place, language=language)

    def _is_unheard(self, element: etree._Element, name: str, said: frozenset[str], place: Place) -> bool:
        if name in vocabulary.UNHEARD:
            self._pictures += name in _ALTERNATIVES
            self._omitted["picture without a description"] += name in _ALTERNATIVES
            return True
        if len(element.attrib):
            if vocabulary.is_hidden(element) or said & vocabulary.LISTS_OF_PLACES:
                return True
            if vocabulary.is_page_number(element, said):
                self._omitted["page number"] += 1
                return True
        if name == "pre" and not is_text(element, said):
            self._flush(place)
            self._omitted["code block"] += 1
            return True
        return self._web and name != "body" and vocabulary.is_boilerplate(element)

    def _enter_block(
        self, element: etree._Element, name: str, said: frozenset[str], place: Place, *, is_note: bool, language: str | None
    ) -> Place:
        if is_note and not place.note and not self._draft.is_empty and names.local(place.element) == "p":
            self._interrupted.append((element, self._draft))
            self._draft = Draft()
        else:
            self._flush(place)
        if name == "table" and self._table is None and is_data(element):
            self._table = Table(element)
        elif self._table is not None and name == "tr":
            self._table.begin_row()
        elif self._table is not None and name in ("td", "th"):
            self._in_cell = True
        kind, level = kind_and_level(element, name, place)
        return Place(
            element=element,
            kind=kind,
            level=level,
            language=language or place.language,
            types=place.types | said if name in vocabulary.SECTIONS else place.types,
            verse=place.verse or vocabulary.is_verse(element, said) or name == "pre",
            note=place.note or is_note,
            preserved=place.preserved or name == "pre" or (vocabulary.is_verse(element, said) and has_lines(element)),
        )

    def _leave(self, element: etree._Element, place: Place) -> None:
        name = names.local(element)
        if name == "sup":
            self._raised -= 1
        if place.element is not element:
            return
        if self._table is not None and name in ("td", "th"):
            self._table.add(" ".join(self._draft.lines()), element)
            self._waiting = self._draft.ids + self._waiting
            self._draft = Draft()
            self._in_cell = False
        elif self._table is not None and name == "tr":
            self._record("row", [self._table.end_row(element)], Draft(), place)
        else:
            if place.verse and self._draft.is_empty:  # an empty line, or the end of whatever holds lines
                self._stanza = None
            self._flush(place)
        if self._table is not None and element is self._table.element:
            self._table = None
        if self._interrupted and self._interrupted[-1][0] is element:
            self._draft = self._interrupted.pop()[1]

    def _breaks_lines(self, around: etree._Element) -> bool:
        if around not in self._breaking:
            self._breaking[around] = any(names.local(child) == "br" for child in around)
        return self._breaking[around]

    # Elements within a line

    def _break(self, _element: etree._Element, _said: frozenset[str], _place: Place) -> None:
        self._draft.break_line()

    def _picture(self, element: etree._Element, _said: frozenset[str], place: Place) -> None:
        self._pictures += 1
        if letter := pictures.letter(element):
            self._add(letter, place)
        elif description := pictures.description(element):
            self._add(f" {description} ", place)
        else:
            self._omitted["picture without a description"] += 1

    def _formula(self, element: etree._Element, _said: frozenset[str], place: Place) -> None:
        words = pictures.formula(element)
        self._add(words, place)
        self._omitted["formula"] += not words

    def _ruby(self, element: etree._Element, _said: frozenset[str], place: Place) -> None:
        self._add(pictures.reading(element), place)

    def _link(self, element: etree._Element, said: frozenset[str], place: Place) -> Place | None:
        if vocabulary.is_note_mark(
            element, said, raised=self._raised > 0 or _is_raised(element), before="" if self._draft.is_empty else self._draft.last
        ):
            return self._mark(element, said, place)
        return place

    def _superscript(self, element: etree._Element, said: frozenset[str], place: Place) -> Place | None:
        text = vocabulary.short_text(element, vocabulary.PAGE_NUMBER)
        if text and vocabulary.is_mark(text):
            link = next(element.iter("{*}a", "a"), None)
            if link is not None and "://" not in link.get("href", ""):
                return self._mark(link, said | vocabulary.types(link), place)
            is_exponent = text[0].isalnum() and self._draft.last not in _AFTER_SENTENCE
            if said & vocabulary.NOTE_MARKS or not (is_exponent or text.isalpha() or self._draft.is_empty):
                self._omitted["footnote mark"] += 1
                return None
        self._raised += 1
        return place

    def _mark(self, link: etree._Element, said: frozenset[str], place: Place) -> None:
        """Leaves the mark of a note out. A mark that a note itself begins with is its number, and read."""
        text = vocabulary.short_text(link, vocabulary.PAGE_NUMBER) or ""
        number = text.strip("[](){}.: ")
        if self._draft.is_empty and number.isalnum() and not said & (vocabulary.NOTE_MARKS | vocabulary.BACKLINKS):
            self._add(f"{number}. ", place)
            self._draft.leads_back = True
            return
        if said & vocabulary.BACKLINKS or vocabulary.is_arrow(text):
            self._draft.leads_back = True
            return
        self._marks.add(link.get("href", ""))
        self._omitted["footnote mark"] += 1

    # Text

    def _add(self, text: str | None, place: Place) -> None:
        if text and self._draft.add(text, place.language, raised=self._raised > 0, preserved=place.preserved):
            self._draft.ids += self._waiting
            self._waiting.clear()

    def _flush(self, place: Place) -> None:
        """Ends a block; in the cell of a table it ends a line of it."""
        if self._in_cell:
            self._draft.break_line()
            return
        if not self._draft.pieces:
            return
        draft, self._draft = self._draft, Draft()
        if draft.is_empty:
            if draft.breaks > 1:
                self._stanza = None
            self._waiting = draft.ids + self._waiting
        elif place.kind == "heading":
            heading = breaks.of_heading(draft.lines())
            self._record("heading" if len(heading) <= LONGEST_HEADING else "paragraph", [heading], draft, place)
        elif place.verse:
            self._record_verse(draft, place)
        else:
            for kind, lines in breaks.of_text(draft.lines(), place.kind):
                self._record(kind, lines, draft, place)

    def _record_verse(self, draft: Draft, place: Place) -> None:
        lines = draft.lines()
        around = place.element.getparent()
        last = self._found[-1] if self._found else None
        is_line = len(lines) == 1
        goes_on = is_line and last is not None and around is not None and around is self._stanza
        if goes_on and last.language == draft.language(place.language):
            last.lines += lines
            self._settle(draft)
            self._count(len(lines[0]))
            return
        for kind, stanza in breaks.of_verse(lines):
            self._record(kind, stanza, draft, place)
        self._stanza = around if is_line else None

    def _record(self, kind: BlockKind, lines: list[str], draft: Draft, place: Place) -> None:
        """Adds a passage, if anything in it can be said."""
        self._stanza = None
        if not any(character.isalnum() for line in lines for character in line):
            self._waiting = draft.ids + self._waiting
            return
        found = Found(
            kind=kind,
            lines=lines,
            level=place.level if kind == "heading" else 0,
            language=draft.language(place.language),
            place=place,
            leads_back=draft.leads_back,
        )
        self._found.append(found)
        self._settle(draft)
        self._count(sum(map(len, lines)))

    def _settle(self, draft: Draft) -> None:
        """The ids of a draft stand at the last passage."""
        for anchor in draft.ids:
            self._anchors.setdefault(anchor, len(self._found) - 1)

    def _count(self, characters: int) -> None:
        self._characters += characters
        self._limits.check_characters(self._characters)
        if len(self._found) > self._limits.blocks:
            raise DocumentTooLarge(f"the document has more than {self._limits.blocks:,} paragraphs")


_INLINE = {
    "br": _Walk._break,
    "img": _Walk._picture,
    "image": _Walk._picture,
    "math": _Walk._formula,
    "ruby": _Walk._ruby,
    "a": _Walk._link,
    "sup": _Walk._superscript,
}


def _is_raised(link: etree._Element) -> bool:
    """Whether a link holds nothing but a superscript."""
    return len(link) == 1 and names.local(link[0]) == "sup" and not (link.text or "").strip() and not (link[0].tail or "").strip()
