"""All text of a book in one row, and the places in it where parts begin: where the table of contents says, and at front and back matter."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from loa.reading import notes, roles
from loa.reading.contents import Entry
from loa.reading.document import Block
from loa.reading.matter import Signs
from loa.reading.page import Page, Passage
from loa.reading.sections import Extent, begin_chapters
from loa.reading.titles import fold, names_contents

LONGEST_TITLE = 200  # characters; a longer heading names no chapter
TITLE_PAGE = 1_500  # characters before the first chapter of the table of contents that are rather a title page than text


@dataclass(frozen=True, kw_only=True)
class Book:
    """What is known of a book before it is cut."""

    title: str | None
    language: str | None
    pages: Mapping[str, Page]  # by path, in reading order
    aside: frozenset[str] = frozenset()  # paths of pages that are set aside from it
    toc: Sequence[Entry] = ()
    landmarks: Sequence[Entry] = ()
    navigation: frozenset[str] = frozenset()  # paths of pages that hold a table of contents


@dataclass(slots=True)
class Part:
    """A stretch of the book that becomes a chapter."""

    path: str
    entry: Entry | None  # of the table of contents
    said: frozenset[str]  # by landmarks, and by where the page stands
    before_text: bool
    passages: list[Passage] = field(default_factory=list)
    common: frozenset[str] | None = None  # what all its sections say that they are

    def add(self, passage: Passage) -> None:
        self.passages.append(passage)
        self.common = passage.types if self.common is None else self.common & passage.types

    @property
    def types(self) -> frozenset[str]:
        """What it is said to be, by itself and by others."""
        return self.said | (self.common or frozenset())

    @property
    def heading(self) -> str:
        first = next((passage.block.text for passage in self.passages if passage.block.kind == "heading"), "")
        return first if len(first) <= LONGEST_TITLE else ""

    @property
    def title(self) -> str:
        return self.entry.title if self.entry is not None and self.entry.title else self.heading

    @property
    def role(self) -> roles.Role | None:
        return roles.of_types(self.types) or roles.of_title(self.title)

    @property
    def characters(self) -> int:
        return sum(len(passage.block.text) for passage in self.passages)

    @property
    def is_headings(self) -> bool:
        return all(passage.block.kind == "heading" for passage in self.passages)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(passage.block for passage in self.passages)

    def signs(self) -> Signs:
        listed = sum(passage.is_note or passage.leads_back or passage.block.kind in ("item", "row") for passage in self.passages)
        return Signs(
            title=self.title,
            types=self.types,
            above=self.entry.above if self.entry is not None else (),
            characters=self.characters,
            listed=listed / len(self.passages),
            before_text=self.before_text,
        )


class Cutting:
    """Cuts one book."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._passages: list[Passage] = []
        self._paths: list[str] = []  # of each passage
        self._starts: dict[str, int] = {}
        linked = notes.linked(book.pages)
        for path in _in_order(book):
            self._starts[path] = len(self._passages)
            for place, passage in enumerate(book.pages[path].passages):
                self._passages.append(dataclasses.replace(passage, is_note=True) if place in linked[path] else passage)
                self._paths.append(path)
        self._characters = sum(page.characters for page in book.pages.values())
        self._sections: set[int] = set()  # places that the table of contents names within a chapter
        self.entries = self._entries()
        self._landmarks = self._places_of_landmarks()
        self._begin = min((place for place, said in self._landmarks.items() if "bodymatter" in said), default=0)

    def parts(self) -> list[Part]:
        parts: list[Part] = []
        first_entry = min(self.entries, default=len(self._passages))
        starts = set(self._starts.values())
        for place, passage in enumerate(self._passages):
            path = self._paths[place]
            begins = not parts or place in self.entries
            if not begins and place in starts and place not in self._sections:
                begins = place < first_entry or self._stands_alone(place, parts[-1])
            elif not begins and path not in self._book.navigation:
                begins = self._ends_division(place, parts[-1])
            if begins:
                parts.append(
                    Part(path=path, entry=self.entries.get(place), said=self._said(place, starts), before_text=place < self._begin)
                )
            parts[-1].add(passage)
        if self.entries:
            self._mark_title_pages(parts)
        return parts

    def _mark_title_pages(self, parts: Sequence[Part]) -> None:
        """What comes before the first chapter of the table of contents, and pages that bear the book's own title."""
        titled = fold(self._book.title or "")
        for part in parts:
            if part.entry is None and part.characters <= TITLE_PAGE:
                part.before_text = True
            if part.role is None and titled and fold(part.title) == titled and part.characters <= min(2 * TITLE_PAGE, self._characters / 4):
                part.said |= {"titlepage"}
            elif part.entry is not None:
                return

    def _ends_division(self, place: int, part: Part) -> bool:
        """Whether a section begins or ends that is no part of a chapter. A heading in front of one belongs to it."""
        (side, name), (side_before, name_before) = _division(self._passages[place].types), _division(self._passages[place - 1].types)
        if side != side_before:
            return True
        if name == name_before or (name is not None and part.role is not None and part.role.name == name):
            return False
        return name_before is not None or not part.is_headings

    def _stands_alone(self, place: int, before: Part) -> bool:
        """Whether a page that no table of contents names is a part of its own rather than more of the part before it."""
        path = self._paths[place]
        if {path, before.path} & (self._book.aside | self._book.navigation):
            return True
        passage = self._passages[place]
        heading = passage.block.text if passage.block.kind == "heading" else ""
        role = roles.of_types(passage.types | self._landmarks.get(place, frozenset())) or roles.of_title(heading)
        if role is not None and role.matter != "body":
            return True
        around = before.role
        return around is not None and around.matter != "body" and (heading != "" or around.matter != "back")

    def _said(self, place: int, starts: set[int]) -> frozenset[str]:
        path = self._paths[place]
        said = self._landmarks.get(place, frozenset()) if place in starts or place in self.entries else frozenset()
        if path in self._book.navigation:
            said |= {"toc"}
        if path in self._book.aside and not said & roles.PARTITIONS.keys():
            said |= {"frontmatter" if place < min(self.entries, default=0) else "backmatter"}
        return said

    def _entries(self) -> dict[int, Entry]:
        """The entries of the table of contents that begin chapters, by the place that they point to; of several the most special."""
        entries: dict[int, Entry] = {}
        places = [self._place(entry) for entry in self._book.toc]
        begins = begin_chapters(self._book.toc, places, Extent.of([passage.block for passage in self._passages]))
        for number, (entry, place, chapter) in enumerate(zip(self._book.toc, places, begins, strict=True)):
            if chapter and place is None and begins[number + 1 : number + 2] == [False]:
                place = places[number + 1]  # a picture opens the chapter, before its first section
            if place is None:
                continue
            if not chapter:
                self._sections.add(place)
            elif place not in entries or entry.depth > entries[place].depth:
                entries[place] = entry
        for entry, place, chapter in zip(self._book.toc, places, begins, strict=True):
            # To pages of pictures, such as a plate with the number of the chapter behind it.
            if chapter and place is None and (behind := self._place_behind(entry)) is not None:
                entries.setdefault(behind, entry)
        return {self._with_headings_before(place, entry, entries): entry for place, entry in sorted(entries.items())}

    def _place(self, entry: Entry) -> int | None:
        page = self._book.pages.get(entry.path)
        if page is None or not page.passages or page.anchors.get(entry.fragment, 0) >= len(page.passages):
            return None
        if entry.fragment in page.left_out and names_contents(entry.title):
            return None
        start = self._starts[entry.path]
        if not entry.fragment:
            return start
        if (inside := page.anchors.get(entry.fragment)) is not None:
            return start + inside
        named = fold(entry.title)  # the id is nowhere: the heading may be
        for inside, passage in enumerate(page.passages):
            if passage.block.kind == "heading" and named and fold(passage.block.text) == named:
                return start + inside
        return start

    def _place_behind(self, entry: Entry) -> int | None:
        """The beginning of the page after the one that an entry names, unless one of the two is front or back matter."""
        page = self._book.pages.get(entry.path)
        if page is None or roles.of_title(entry.title) or fold(entry.title) == fold(self._book.title or ""):
            return None
        place = self._starts[entry.path] + len(page.passages)
        return place if place < len(self._passages) and roles.of_types(self._passages[place].types) is None else None

    def _with_headings_before(self, place: int, entry: Entry, entries: Mapping[int, Entry]) -> int:
        """Where a chapter begins whose place is behind its own heading, or between its number and its name."""
        named = fold(entry.title)
        while place - 1 not in entries and place > self._starts[self._paths[place]]:
            before = self._passages[place - 1].block
            if before.kind != "heading" or not (fold(before.text) and fold(before.text) in named):
                break
            place -= 1
        return place

    def _places_of_landmarks(self) -> dict[int, frozenset[str]]:
        places: dict[int, frozenset[str]] = {}
        for landmark in self._book.landmarks:
            if (place := self._place(landmark)) is not None:
                places[place] = places.get(place, frozenset()) | landmark.types
        return places


def _in_order(book: Book) -> list[str]:
    """The paths of pages as they are heard: what is set aside comes last, unless it comes before everything else, as covers do."""
    first = next((place for place, path in enumerate(book.pages) if path not in book.aside), 0)
    paths = list(book.pages)
    return [*paths[:first], *sorted(paths[first:], key=lambda path: path in book.aside)]


@lru_cache(maxsize=1_024)
def _division(types: frozenset[str]) -> tuple[str | None, str | None]:
    """What a section is as far as that ends a chapter: front, body or back, and a part that stands apart."""
    role = roles.of_types(types)
    return roles.partition(types), role.name if role is not None and role.apart else None
