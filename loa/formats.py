"""The formats that a job's audio is delivered in. Without numpy or libsndfile, so that an API process knows them too."""

from __future__ import annotations

from dataclasses import dataclass

from loa.errors import UnknownFormat


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format for a job's audio."""

    name: str  # as in a request's `format`
    extension: str
    media_type: str
    container: str  # libsndfile's name of the file format
    subtype: str  # libsndfile's name of the encoding
    sample_rates: tuple[int, ...] | None = None  # Hz that the format can hold, ascending; None: any

    def sample_rate(self, voice_rate: int) -> int:
        """The rate to deliver a voice of `voice_rate` Hz in: the same where the format can hold it, else the next higher one."""
        if self.sample_rates is None or voice_rate in self.sample_rates:
            return voice_rate
        return next((rate for rate in self.sample_rates if rate > voice_rate), self.sample_rates[-1])


_MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)

FORMATS = {
    entry.name: entry
    for entry in (
        Format(name="wav", extension="wav", media_type="audio/wav", container="WAV", subtype="PCM_16"),
        Format(name="flac", extension="flac", media_type="audio/flac", container="FLAC", subtype="PCM_16"),
        Format(name="mp3", extension="mp3", media_type="audio/mpeg", container="MP3", subtype="MPEG_LAYER_III", sample_rates=_MPEG_RATES),
        Format(name="ogg", extension="ogg", media_type="audio/ogg", container="OGG", subtype="VORBIS"),
        Format(
            name="opus", extension="opus", media_type="audio/ogg; codecs=opus", container="OGG", subtype="OPUS", sample_rates=_OPUS_RATES
        ),
    )
}


def format_named(name: str) -> Format:
    """The format of that name. Raises UnknownFormat."""
    if name not in FORMATS:
        raise UnknownFormat(f"there is no format {name[:40]!r}", known=list(FORMATS))
    return FORMATS[name]
