"""What a file of audio says of itself: title, author, cover, chapters."""

from __future__ import annotations

from dataclasses import dataclass

from worker.assembly.pictures import Picture


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A chapter of a file."""

    title: str
    start: int  # samples from the start of the audio
    end: int


@dataclass(frozen=True, kw_only=True)
class Labels:
    """All of that."""

    title: str | None = None
    author: str | None = None
    album: str | None = None  # the book, where the file is one chapter of it
    track: tuple[int, int] | None = None  # which of how many files
    language: str | None = None  # BCP 47
    cover: Picture | None = None
    chapters: tuple[Mark, ...] = ()

    def tags(self) -> dict[str, str]:
        """By FFmpeg's names."""
        found = {
            "title": self.title,
            "artist": self.author,
            "album_artist": self.author,
            "album": self.album or self.title,
            "track": f"{self.track[0]}/{self.track[1]}" if self.track else None,
            "language": self.language,
        }
        return {name: value for name, value in found.items() if value}
