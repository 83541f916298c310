"""The JSON objects of books as pydantic models like those of schemas.py: wishes of a request, previews of texts, chapters of jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from api.contract import Schema
from loa.plan.pauses import LONGEST as LONGEST_PAUSE
from loa.plan.pauses import NAMES as PAUSE_NAMES
from loa.plan.selection import PATTERN as SELECTION
from loa.preview import LONGEST as PREVIEW_LIMIT
from loa.voice_manifest import LANGUAGE

# What a field may hold, beyond its type: the core decides and has an error of its own for each; the schema only describes it.
VOICES: dict[str, Any] = {"propertyNames": {"pattern": f"^{LANGUAGE.pattern}$"}}
LEXICON: dict[str, Any] = {"additionalProperties": {"anyOf": [{"type": "string"}, {"type": "object"}]}}
LEXICON_TEXT = 'words with what is said for them, `{"Nguyen": "win"}`, or by language, `{"vi": {"BTC": "ban tổ chức"}}`; 1,000 at most'
CHAPTERS: dict[str, Any] = {"examples": ["3-7,9", "all"], "pattern": f"^(?:{SELECTION.pattern})$"}
PAUSES: dict[str, Any] = {
    "propertyNames": {"enum": list(PAUSE_NAMES)},
    "additionalProperties": {"type": "integer", "minimum": 0, "maximum": LONGEST_PAUSE},
}


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 128.0 is as whole as 128."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Milliseconds = Annotated[int, BeforeValidator(_whole)]


class PreviewRequest(Schema):
    """Text to look at as it will be spoken."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"input": "On 5/6 we paid $20.", "language": "en"}]}
    )
    input: str = Field(max_length=PREVIEW_LIMIT, description="the text")
    language: str | None = Field(
        None, description="of stretches that could be English or Vietnamese; not with voices", pattern=f"^{LANGUAGE.pattern}$"
    )
    voice: str | None = Field(None, description="as in POST /v1/jobs; without any voice each stretch is said in its own language")
    voices: dict[str, str] = Field(default_factory=dict, description="as in POST /v1/jobs", json_schema_extra=VOICES)
    lexicon: dict[str, Any] = Field(default_factory=dict, description=LEXICON_TEXT, json_schema_extra=LEXICON)


class ChangeJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Change")
    start: int = Field(description="characters from the beginning of the segment's text")
    from_: str = Field(alias="from", description="as it is written")
    to: str = Field(description="as it is spoken; empty where it is left out")
    rule: str


class PreviewSegmentJson(Schema):
    model_config = ConfigDict(extra="forbid", title="PreviewSegment")
    text: str = Field(description="as it is written")
    spoken: str = Field(description="what the voice gets")
    language: str
    voice: str | None = Field(description="null where the request named none")
    changes: list[ChangeJson]


class PreviewJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Preview")
    segments: list[PreviewSegmentJson]
    unsayable: list[str] = Field(description="what nobody knows how to say, and is left out")


class ChapterJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Chapter")
    number: int = Field(description="by which `chapters` of a request names it")
    title: str
    matter: Literal["front", "body", "back"]
    role: str = Field(description="what it is in one word, such as chapter, cover or notes")
    characters: int
    spoken: bool = Field(description="whether the job speaks it")
    first_segment: int | None = Field(description="index of its first segment")
    segments: int
    estimated_seconds: float = Field(description="of audio")


class ChaptersJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Chapters")
    job: str
    planned: bool = Field(description="false: the document is not read yet, and nothing of it is known")
    chapters: list[ChapterJson] = Field(description="all of the document's, in order; none of a text")
    omissions: list[str] = Field(description="what is not spoken and why, in words")
