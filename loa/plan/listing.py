"""The chapters of a document as people see them: all of them, with those that are spoken marked."""

from __future__ import annotations

from typing import Any

from loa.plan.plan import Plan
from loa.reading import Document

CHAPTERS = "/chapters.json"  # the end of the path of a job's list


def list_path(plan_path: str) -> str:
    """Where the list of chapters of a job lies, beside its plan."""
    return plan_path.removesuffix(".json") + CHAPTERS


def chapter_list(document: Document, plan: Plan | None = None) -> list[dict[str, Any]]:
    """Every chapter of the document as JSON, with the number by which requests name it; `plan`: what is spoken of it."""
    spoken = {chapter.number: chapter for chapter in plan.chapters} if plan else {}
    listed = []
    for number, chapter in enumerate(document.chapters, 1):
        planned = spoken.get(number)
        segments = plan.segments[planned.first : planned.first + planned.count] if plan and planned else ()
        listed.append(
            {
                "number": number,
                "title": chapter.title,
                "matter": chapter.matter,
                "role": chapter.role,
                "characters": chapter.characters,
                "spoken": planned is not None,
                "first_segment": planned.first if planned else None,
                "segments": len(segments),
                "estimated_seconds": round(sum(segment.audio_seconds + segment.pause for segment in segments), 1),
            }
        )
    return listed
