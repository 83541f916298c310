"""A plan: everything that a job speaks, in order, and what its document says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loa.plan.segment import Segment

VERSION = 2  # of the JSON; version 1 was the bare list of segments


@dataclass(frozen=True, kw_only=True)
class PlannedChapter:
    """A chapter that is spoken: the segments from `first` to `first + count - 1`, its title among them."""

    number: int  # in the document's own list of chapters, from 1
    title: str
    matter: str = "body"
    role: str = "chapter"
    first: int
    count: int  # at least 1

    def to_json(self) -> dict[str, Any]:
        names = ("number", "title", "matter", "role", "first", "count")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the document says of itself, for the files that are made of it."""

    title: str | None = None
    author: str | None = None
    language: str | None = None  # BCP 47
    cover: str | None = None  # artifact path of the picture
    omissions: tuple[str, ...] = ()  # what is not spoken and why, in words

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "author": self.author,
            "language": self.language,
            "cover": self.cover,
            "omissions": list(self.omissions),
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a job speaks. A text has no chapters; of a document every segment is in one."""

    segments: tuple[Segment, ...]
    chapters: tuple[PlannedChapter, ...] = ()
    document: Origin = Origin()

    @property
    def characters(self) -> int:
        """Of what is spoken, as it is written."""
        return sum(len(segment.text) for segment in self.segments)

    def pack(self) -> bytes:
        """As JSON, in UTF-8."""
        return json.dumps(
            {
                "version": VERSION,
                "document": self.document.to_json(),
                "chapters": [chapter.to_json() for chapter in self.chapters],
                "segments": [segment.to_json() for segment in self.segments],
            },
            ensure_ascii=False,
        ).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Plan:
        """Raises ValueError or TypeError for what is no plan, or one of a later version."""
        found = json.loads(data)
        if isinstance(found, list):
            return cls(segments=_segments(found))
        if found.get("version") != VERSION:
            raise ValueError(f"the plan has version {found.get('version')}; this Loa reads {VERSION}")
        facts = dict(found["document"])
        facts["omissions"] = tuple(facts.get("omissions", ()))
        chapters = tuple(PlannedChapter(**chapter) for chapter in found["chapters"])
        return cls(segments=_segments(found["segments"]), chapters=chapters, document=Origin(**facts))


def _segments(entries: Sequence[Mapping[str, Any]]) -> tuple[Segment, ...]:
    return tuple(Segment.from_json(entry) for entry in entries)
