"""The formats that a job's audio is delivered in. Without numpy or any audio library, so that an API process knows them too.

m4b, m4a, mp3, opus and flac say title, author, chapters and cover of themselves; each file of a zip says title, author, book, number and
cover. ogg says title and author alone, because no library here writes more into Vorbis, and wav nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loa.errors import UnknownFormat

Coding = Literal["pcm", "vorbis", "flac", "aac", "mp3", "opus"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format for a job's audio."""

    name: str  # as in a request's `format`
    extension: str
    media_type: str
    coding: Coding
    container: str = ""  # libsndfile's name of the file format, where libsndfile writes it
    subtype: str = ""  # libsndfile's name of the encoding
    sample_rates: tuple[int, ...] | None = None  # Hz that the format can hold, ascending; None: any

    def sample_rate(self, voice_rate: int) -> int:
        """The rate to deliver a voice of `voice_rate` Hz in: the same where the format can hold it, else the next higher one."""
        if self.sample_rates is None or voice_rate in self.sample_rates:
            return voice_rate
        return next((rate for rate in self.sample_rates if rate > voice_rate), self.sample_rates[-1])

    @property
    def lossless(self) -> bool:
        """Whether what is decoded is, sample for sample, what was encoded."""
        return self.coding in ("pcm", "flac")


_MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_AAC_RATES = (*_MPEG_RATES, 64000, 88200, 96000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)

FORMATS = {
    entry.name: entry
    for entry in (
        Format(name="wav", extension="wav", media_type="audio/wav", coding="pcm", container="WAV", subtype="PCM_16"),
        Format(name="flac", extension="flac", media_type="audio/flac", coding="flac"),
        Format(name="mp3", extension="mp3", media_type="audio/mpeg", coding="mp3", sample_rates=_MPEG_RATES),
        Format(name="ogg", extension="ogg", media_type="audio/ogg", coding="vorbis", container="OGG", subtype="VORBIS"),
        Format(name="opus", extension="opus", media_type="audio/ogg; codecs=opus", coding="opus", sample_rates=_OPUS_RATES),
        Format(name="m4a", extension="m4a", media_type="audio/mp4", coding="aac", sample_rates=_AAC_RATES),
        Format(name="m4b", extension="m4b", media_type="audio/mp4", coding="aac", sample_rates=_AAC_RATES),  # an audiobook
        Format(name="zip", extension="zip", media_type="application/zip", coding="mp3", sample_rates=_MPEG_RATES),  # one mp3 a chapter
    )
}


def format_named(name: str) -> Format:
    """The format of that name. Raises UnknownFormat."""
    if name not in FORMATS:
        raise UnknownFormat(f"there is no format {name[:40]!r}", known=list(FORMATS))
    return FORMATS[name]
