"""m4a and m4b: MP4 files (ISO/IEC 14496-12 and -14) of one AAC track, with chapters, cover and metadata as Apple has them.

FFmpeg's own writer keeps 72 bytes of every packet, 114 MB for twenty hours; this one keeps the four of its size, and puts the index in
front, so that a player can begin while it still downloads. Chapters are written twice, because players read either: as a track of text
(QuickTime, Apple Books) and as a list (Nero).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from worker.assembly.codecs import Encoder
from worker.assembly.labels import Labels, Mark

MOVIE_UNITS = 1000  # of chapters: milliseconds
CHUNK = 64  # packets that are found by one entry of the index: about three seconds
MOST_LISTED = 255  # chapters in Nero's list, which counts them in one byte
LARGE = 2**32
MOST_BYTES = 1024  # of a packet: AAC allows one channel 768

_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)  # the matrix of a picture that is left as it is
_LANGUAGES = {"en": "eng", "vi": "vie"}
_AUDIO, _CHAPTERS = 1, 2  # ids of the tracks
_AUDIOBOOK = 2  # Apple's kind of media


@dataclass(frozen=True, kw_only=True)
class Book:
    """What the head of a file is made of."""

    encoder: Encoder
    sizes: np.ndarray  # uint32 [packets], bytes
    samples: int  # of audio, from the end of the encoder's delay
    labels: Labels
    audiobook: bool  # m4b

    @property
    def bytes_of_audio(self) -> int:
        return int(self.sizes.sum(dtype=np.int64))

    @property
    def wide(self) -> bool:
        """Whether offsets may need 64 bits."""
        return len(self.sizes) * MOST_BYTES >= LARGE


def head(book: Book) -> bytes:
    """Everything before the packets; `tail` comes behind them. Its length depends on how many packets there are, not on their sizes."""
    size = book.bytes_of_audio + len(tail(book))
    start = 0
    for _ in range(2):  # the index says where the data begins, which depends on the length of the index
        brand = b"M4B " if book.audiobook else b"M4A "
        index = _box(b"ftyp", brand, struct.pack(">I", 512), brand, b"mp42isom") + _movie(book, start)
        data = struct.pack(">I4sQ", 1, b"mdat", size + 16)
        start = len(index) + len(data)
    return index + data


def tail(book: Book) -> bytes:
    """The titles of the chapters, as the samples of their track."""
    return b"".join(map(_title, book.labels.chapters))


def _movie(book: Book, start: int) -> bytes:
    rate = book.encoder.sample_rate
    tracks = _track(_AUDIO, book.samples, 1, _edit(book.samples, book.encoder.delay), _reference(book), _audio(book, start))
    if book.labels.chapters:
        at = start + book.bytes_of_audio
        tracks += _track(_CHAPTERS, book.samples, 0, b"", b"", _text(book, at))
    header = _timed(b"mvhd", 0, rate, book.samples, struct.pack(">IHHII", 0x10000, 0x100, 0, 0, 0), _UNITY, bytes(24), struct.pack(">I", 3))
    return _box(b"moov", header, tracks, _user_data(book))


def _track(number: int, duration: int, enabled: int, *parts: bytes) -> bytes:
    wide = duration >= LARGE
    times = struct.pack(">QQIIQ" if wide else ">IIIII", 0, 0, number, 0, duration)
    header = _full(b"tkhd", int(wide), enabled, times, bytes(8), struct.pack(">HHHH", 0, 0, 0x100 if enabled else 0, 0), _UNITY, bytes(8))
    return _box(b"trak", header, *parts)


def _edit(samples: int, delay: int) -> bytes:
    """Play exactly the audio: not what the encoder puts before it, nor what fills its last packet."""
    wide = samples >= LARGE
    return _box(b"edts", _full(b"elst", int(wide), 0, struct.pack(">IQqHH" if wide else ">IIiHH", 1, samples, delay, 1, 0)))


def _reference(book: Book) -> bytes:
    return _box(b"tref", _box(b"chap", struct.pack(">I", _CHAPTERS))) if book.labels.chapters else b""


def _audio(book: Book, start: int) -> bytes:
    encoder, count = book.encoder, len(book.sizes)
    length = encoder.delay + book.samples
    entry = struct.pack(">6xH8xHHHHHH", 1, 1, 16, 0, 0, min(encoder.sample_rate, 0xFFFF), 0)
    sample_entry = _box(b"mp4a", entry, _decoder(encoder.configuration))
    offsets = start + np.concatenate([[0], np.cumsum(book.sizes, dtype=np.int64)[CHUNK - 1 : -1 : CHUNK]])
    tables = (
        _full(b"stsd", 0, 0, struct.pack(">I", 1), sample_entry),
        _full(b"stts", 0, 0, struct.pack(">IIIII", 2, count - 1, encoder.frame, 1, length - (count - 1) * encoder.frame)),
        _chunks(count),
        _full(b"stsz", 0, 0, struct.pack(">II", 0, count), book.sizes.astype(">u4").tobytes()),
        _offsets(offsets, book.wide),
    )
    return _media(b"soun", encoder.sample_rate, length, book.labels, _full(b"smhd", 0, 0, bytes(4)), tables)


def _text(book: Book, start: int) -> bytes:
    chapters, rate = book.labels.chapters, book.encoder.sample_rate
    marks = np.array([round(mark.start * MOVIE_UNITS / rate) for mark in chapters] + [round(chapters[-1].end * MOVIE_UNITS / rate)])
    sizes = np.array([len(_title(mark)) for mark in chapters], dtype=np.int64)
    offsets = start + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    look = struct.pack(">II3H4H8xHHBH3HB", 0, 1, *(0,) * 3, *(0,) * 4, 0, 0, 0, 0, *(0,) * 3, 0)
    durations = b"".join(struct.pack(">II", 1, duration) for duration in np.diff(marks).tolist())
    tables = (
        _full(b"stsd", 0, 0, struct.pack(">I", 1), _box(b"text", struct.pack(">6xH", 1), look)),
        _full(b"stts", 0, 0, struct.pack(">I", len(chapters)), durations),
        _full(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, 1, 1)),
        _full(b"stsz", 0, 0, struct.pack(">II", 0, len(chapters)), sizes.astype(">u4").tobytes()),
        _offsets(offsets, book.wide),
    )
    base = _box(b"gmhd", _full(b"gmin", 0, 0, struct.pack(">HHHHHH", 0x40, 0x8000, 0x8000, 0x8000, 0, 0)), _box(b"text", _UNITY))
    return _media(b"text", MOVIE_UNITS, int(marks[-1]), book.labels, base, tables)


def _media(kind: bytes, units: int, duration: int, labels: Labels, base: bytes, tables: Iterable[bytes]) -> bytes:
    code = _LANGUAGES.get((labels.language or "").partition("-")[0].lower(), "und")
    language = sum((ord(letter) - 0x60) << shift for letter, shift in zip(code, (10, 5, 0), strict=True))
    here = _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))  # the data is in this file
    return _box(
        b"mdia",
        _timed(b"mdhd", 0, units, duration, struct.pack(">HH", language, 0)),
        _full(b"hdlr", 0, 0, bytes(4), kind, bytes(13)),
        _box(b"minf", base, _box(b"dinf", here), _box(b"stbl", *tables)),
    )


def _decoder(configuration: bytes) -> bytes:
    """MPEG-4's descriptors: an elementary stream of AAC with this configuration."""
    specific = _descriptor(5, configuration)
    config = _descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 0, 0), specific)  # audio, of any bit rate
    return _full(b"esds", 0, 0, _descriptor(3, struct.pack(">HB", _AUDIO, 0), config, _descriptor(6, b"\x02")))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">B3BB", tag, 0x80, 0x80, 0x80, len(content)) + content


def _chunks(count: int) -> bytes:
    runs = [(1, min(CHUNK, count), 1)]
    if count > CHUNK and count % CHUNK:
        runs.append((count // CHUNK + 1, count % CHUNK, 1))
    return _full(b"stsc", 0, 0, struct.pack(">I", len(runs)), *(struct.pack(">III", *run) for run in runs))


def _offsets(offsets: np.ndarray, wide: bool) -> bytes:
    table = offsets.astype(">u8" if wide else ">u4").tobytes()
    return _full(b"co64" if wide else b"stco", 0, 0, struct.pack(">I", len(offsets)), table)


def _title(mark: Mark) -> bytes:
    """A text sample: its length, the text, and that it is UTF-8."""
    text = _fitting(mark.title, (1 << 15) - 1)
    return struct.pack(">H", len(text)) + text + struct.pack(">I4sI", 12, b"encd", 0x100)


def _user_data(book: Book) -> bytes:
    labels = book.labels
    texts = {
        b"\xa9nam": labels.title,
        b"\xa9ART": labels.author,
        b"aART": labels.author,
        b"\xa9alb": labels.album or labels.title,
        b"\xa9gen": "Audiobook" if book.audiobook else None,
        b"\xa9too": "Loa",
    }
    items = [_item(name, 1, value.encode()) for name, value in texts.items() if value]
    if book.audiobook:
        items.append(_item(b"stik", 21, struct.pack(">B", _AUDIOBOOK)))
    if labels.track:
        items.append(_item(b"trkn", 0, struct.pack(">xxHHxx", *labels.track)))
    if labels.cover:
        items.append(_item(b"covr", 13 if labels.cover.media_type == "image/jpeg" else 14, labels.cover.content))
    handler = _full(b"hdlr", 0, 0, bytes(4), b"mdir", b"appl", bytes(9))
    parts = [_full(b"meta", 0, 0, handler, _box(b"ilst", *items))]
    if labels.chapters:
        listed = labels.chapters[:MOST_LISTED]
        entries = b"".join(map(_listed, listed, [book.encoder.sample_rate] * len(listed)))
        parts.append(_full(b"chpl", 1, 0, bytes(4), struct.pack(">B", len(listed)), entries))
    return _box(b"udta", *parts)


def _item(name: bytes, kind: int, value: bytes) -> bytes:
    return _box(name, _box(b"data", struct.pack(">II", kind, 0), value))


def _listed(mark: Mark, sample_rate: int) -> bytes:
    """An entry of Nero's list: start in units of 100 ns, title in at most 255 bytes."""
    title = _fitting(mark.title, 255)
    return struct.pack(">QB", mark.start * 10_000_000 // sample_rate, len(title)) + title


def _fitting(text: str, most: int) -> bytes:
    """As much of the text as fits into `most` bytes of UTF-8, in whole characters."""
    return text.encode()[:most].decode(errors="ignore").encode()


def _timed(name: bytes, flags: int, units: int, duration: int, *parts: bytes) -> bytes:
    """A box that begins with instants, which are left 0, and a duration: in 64 bits where 32 are too few."""
    wide = duration >= LARGE
    return _full(name, int(wide), flags, struct.pack(">QQIQ" if wide else ">IIII", 0, 0, units, duration), *parts)


def _full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *parts)


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), name) + content
