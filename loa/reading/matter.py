"""What each part of a book is: text, or front or back matter, by what it says of itself, by its title and by where it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from loa.reading.document import Chapter, Matter
from loa.reading.roles import Role, of_title, of_types, partition

CHAPTER = "chapter"
LARGEST_FRONT = 0.4  # of a book's characters may come before its text, as far as a mark of where to begin is believed
MOSTLY_LIST = 0.5  # of a part that is a list of notes or of books
_PROSE = frozenset({"foreword", "preface", "appendix", "dedication", "epigraph", "acknowledgments", "author", CHAPTER})


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What is known of a part of a book before it has been weighed."""

    title: str
    types: Collection[str] = ()  # that its sections, its landmark or its place in the guide give it
    above: tuple[str, ...] = ()  # titles of what it belongs to
    characters: int = 0
    listed: float = 0.0  # share of it that is items, or begins as notes do
    before_text: bool = False  # stands before the place at which the book says that reading begins


def weigh(parts: Sequence[Signs]) -> list[tuple[Matter, str]]:
    """Matter and role of each part, in reading order.

    What a part says of itself counts first; then its title, which is believed only before the first and after the last chapter ("Index" may
    be the name of one in between); then where the book says that reading begins. A book is never nothing but front and back matter.
    """
    early = _early(parts)
    said = [of_types(part.types) for part in parts]
    roles = [own or of_title(part.title) or _inherited(part.above) for own, part in zip(said, parts, strict=True)]
    text = [place for place, part in enumerate(parts) if _side(part, roles[place], early=place < early) == "body"]
    first, last = (text[0], text[-1]) if text else (len(parts), -1)
    weighed: list[tuple[Matter, str]] = []
    for place, (part, role) in enumerate(zip(parts, roles, strict=True)):
        if role is not None and said[place] is None and first < place < last and not _believable(part, role):
            role = None
        side = _side(part, role, early=place < early) or ("front" if place < first else "back")
        weighed.append((side, role.name if role is not None else CHAPTER))
    return weighed if any(side == "body" for side, _ in weighed) else _all_body(parts, weighed)


def by_titles(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    """Chapters of a document that says nothing about them but their titles."""
    weighed = weigh([Signs(title=chapter.title, characters=chapter.characters) for chapter in chapters])
    return tuple(dataclasses.replace(chapter, matter=side, role=role) for chapter, (side, role) in zip(chapters, weighed, strict=True))


def _side(part: Signs, role: Role | None, *, early: bool) -> Matter | None:
    """Front, body or back; None for what may stand on either side of the text."""
    explicit = partition(part.types)
    if role is not None and role.matter == "edge":
        return explicit if explicit != "body" else None
    if role is not None and role.matter != "body":
        return role.matter
    if explicit is not None:
        return explicit
    return "front" if role is None and early else "body"


def _inherited(above: Sequence[str]) -> Role | None:
    """The role of what a part belongs to, as the notes to a chapter belong to "Notes"."""
    roles = (of_title(title) for title in reversed(above))
    return next((role for role in roles if role is not None and role.spreads), None)


def _believable(part: Signs, role: Role) -> bool:
    """Whether the title of a part between two chapters means what it says."""
    return role.matter == "body" or (role.anywhere and part.listed > MOSTLY_LIST)


def _early(parts: Sequence[Signs]) -> int:
    """How many parts at the beginning come before the text: none, where that would be too much of the book."""
    early = next((place for place, part in enumerate(parts) if not part.before_text), len(parts))
    front = sum(part.characters for part in parts[:early])
    return early if front <= LARGEST_FRONT * sum(part.characters for part in parts) else 0


def _all_body(parts: Sequence[Signs], weighed: Sequence[tuple[Matter, str]]) -> list[tuple[Matter, str]]:
    """Of a book without any text: the parts that hold prose are it; if there is none, all."""
    prose = any(role in _PROSE and part.characters for part, (_, role) in zip(parts, weighed, strict=True))
    return [("body" if role in _PROSE or not prose else side, role) for side, role in weighed]
