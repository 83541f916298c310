"""Audio as bytes: what a spoken segment is stored as, and the files that libsndfile writes of a job's audio."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loa.artifacts import FULL
from loa.errors import BrokenSegment, StorageFull, SynthesisFailed
from loa.formats import FORMATS, Format, format_named

__all__ = [
    "FORMATS",
    "Format",
    "Sink",
    "Word",
    "as_stored",
    "encode",
    "encode_blocks",
    "even_blocks",
    "format_named",
    "pack_segment",
    "unpack_segment",
]

PCM_SCALE = 32767  # float 1.0 as int16; the same up and down, so packing what was unpacked changes nothing
MOST_WAV_BYTES = 2**32 - 1000  # of samples: a WAV header counts to 2³² − 1
RF64_BYTES = 4_000_000_000  # audio that is announced as longer than this gets the RF64 form of WAV
BLOCK = 1 << 16  # samples handed to an encoder at once
MOST_PCM_BYTES = 1 << 30  # a segment that unpacks to more than this is not one of ours
_PCM, _FACTS = "pcm.s16le", "facts.json"  # the members of a packed segment


@dataclass(frozen=True, kw_only=True)
class Word:
    """A spoken word with its place in the text and in the audio."""

    text: str
    start: float  # seconds from the start of the audio
    end: float
    offset: int  # characters from the start of the text


# --- a segment in the artifact store -----------------------------------------------------------------------------------


def pack_segment(pcm: np.ndarray, sample_rate: int, words: Sequence[Word]) -> bytes:
    """A spoken segment as one zip file: int16 PCM of the float32 `pcm` [samples], -1..1, and the facts as JSON.

    The same segment always gives the same bytes. Raises SynthesisFailed for samples that are not numbers.
    """
    facts = {
        "sample_rate": sample_rate,
        "words": [{"text": word.text, "start": word.start, "end": word.end, "offset": word.offset} for word in words],
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:  # stored, not deflated: its checksums are what is wanted
        archive.writestr(zipfile.ZipInfo(_PCM), _rounded(pcm).tobytes())
        archive.writestr(zipfile.ZipInfo(_FACTS), json.dumps(facts, ensure_ascii=False))
    return target.getvalue()


def as_stored(pcm: np.ndarray) -> np.ndarray:
    """float32 PCM [samples] with the 16 bits that it has once it was stored: what `unpack_segment` gives for what `pack_segment` took.

    Raises SynthesisFailed for samples that are not numbers.
    """
    return _rounded(pcm).astype(np.float32) / PCM_SCALE


def unpack_segment(data: bytes) -> tuple[np.ndarray, int, tuple[Word, ...]]:
    """float32 PCM [samples], the sample rate in Hz and the words of a packed segment. Raises BrokenSegment when the bytes are damaged.

    Threads may call it side by side, which `numpy.load` does not stand on Python 3.11 and 3.12: it reads its header with
    `ast.literal_eval`, and two of those that are interrupted by a garbage collection raise SystemError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_PCM_BYTES:
                raise BrokenSegment("a stored segment claims to hold more than any segment can")
            samples, facts = np.frombuffer(archive.read(_PCM), dtype="<i2"), json.loads(archive.read(_FACTS))
        return samples.astype(np.float32) / PCM_SCALE, int(facts["sample_rate"]), tuple(Word(**word) for word in facts["words"])
    except _DAMAGE as error:
        raise BrokenSegment(f"a stored segment is damaged: {error}") from error


def _rounded(pcm: np.ndarray) -> np.ndarray:
    if not np.isfinite(pcm).all():
        raise SynthesisFailed("the engine returned samples that are not numbers")
    return np.rint(np.clip(pcm, -1.0, 1.0) * PCM_SCALE).astype("<i2")


_DAMAGE = (ValueError, KeyError, TypeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error)


# --- a job's audio file ------------------------------------------------------------------------------------------------


def encode(pcm: np.ndarray, sample_rate: int, audio_format: Format, target: Path) -> None:
    """Write mono float32 PCM [samples], -1..1, to a local file. `sample_rate` must be one that the format holds. Raises StorageFull."""
    encode_blocks([pcm], sample_rate, audio_format, target, samples=len(pcm))


def encode_blocks(
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    audio_format: Format,
    target: Path,
    *,
    samples: int,
    tags: Mapping[str, str] | None = None,
) -> None:
    """The same for PCM that comes in blocks, so that long audio never lies in memory as a whole.

    `samples`: about how many there will be, within 5 %; it decides whether a WAV file needs lengths of 64 bits. `tags`:
    what an Ogg file says of itself, of `title`, `artist` and `album`; libsndfile writes no chapters and no picture.
    """
    import soundfile

    if not audio_format.container:
        raise ValueError(f"libsndfile is not what writes {audio_format.name} here")
    container = "RF64" if audio_format.container == "WAV" and samples * 2 > RF64_BYTES else audio_format.container
    written = 0
    try:
        with target.open("wb", buffering=0) as stream:
            sink = Sink(stream)
            with soundfile.SoundFile(sink, "w", sample_rate, channels=1, format=container, subtype=audio_format.subtype) as audio:
                for name, value in (tags or {}).items():
                    setattr(audio, name, value)
                for block in even_blocks(blocks):
                    audio.write(block)
                    written += len(block)
                    sink.check(target)
            sink.check(target)
        if container == "WAV" and written * 2 > MOST_WAV_BYTES:
            raise ValueError(f"{written} samples were written where about {samples} were announced; a WAV file cannot hold them")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def even_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same samples in blocks of BLOCK: the Vorbis encoder looks at a whole block to start, and long ones overrun its stack."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        left = np.asarray(block, dtype=np.float32)
        while count + len(left) >= BLOCK:
            held.append(left[: BLOCK - count])
            left = left[BLOCK - count :]
            yield np.concatenate(held)
            held, count = [], 0
        held.append(left)
        count += len(left)
    if count:
        yield np.concatenate(held)


class Sink:
    """A file that remembers why a write failed: libsndfile and FFmpeg by themselves lose the end of a file on a full disk."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._failure: OSError | None = None

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left and self._failure is None:
            try:
                left = left[self._stream.write(left) :]
            except OSError as error:
                self._failure = error
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence) if self._failure is None else 0

    def tell(self) -> int:
        return self._stream.tell() if self._failure is None else 0

    def flush(self) -> None:
        """Nothing is held back."""

    def check(self, target: Path) -> None:
        """Raises StorageFull, or the OSError that a write failed with."""
        if self._failure is not None:
            if self._failure.errno in FULL:
                raise StorageFull(f"no space left for {target} ({self._failure.strerror})") from self._failure
            raise self._failure
