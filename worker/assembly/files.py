"""The files that a job's audio is delivered in, from packets or from samples, in constant memory, with what they say of themselves."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loa.audio import Sink, even_blocks
from worker.assembly import mp4
from worker.assembly.codecs import Codec, Encoder, Packets
from worker.assembly.labels import Labels, Mark
from worker.assembly.lame_tag import tell_padding
from worker.assembly.pictures import Picture

if TYPE_CHECKING:
    import av

FLAC = Codec(name="flac", sample_format="s16", options=(("compression_level", "5"),))
SCALE = 32767  # float 1.0 as int16, as in loa/audio.py
FRONT_COVER = 3  # kind of picture, in Ogg


def write_mp4(
    target: Path, encoder: Encoder, pieces: Iterable[Packets], count: int, samples: int, labels: Labels, *, audiobook: bool
) -> None:
    """m4a or m4b of `count` AAC packets. The room for the index is left free and filled at the end. Raises StorageFull."""
    sizes = np.zeros(count, dtype=np.uint32)
    book = mp4.Book(encoder=encoder, sizes=sizes, samples=samples, labels=labels, audiobook=audiobook)
    with new_file(target) as sink:
        sink.write(bytes(len(mp4.head(book))))
        position = 0
        for piece in pieces:
            sizes[position : position + len(piece.sizes)] = piece.sizes
            position += len(piece.sizes)
            sink.write(piece.data)
            sink.check(target)
        _check(position, count)
        sink.write(mp4.tail(book))
        sink.seek(0)
        sink.write(mp4.head(book))


def write_packets(
    target: Path, container: str, encoder: Encoder, pieces: Iterable[Packets], count: int, samples: int, labels: Labels
) -> None:
    """mp3 or ogg (FFmpeg's names) of `count` packets, from the first to the last of `samples`. Raises StorageFull."""
    import av

    with new_file(target) as sink, av.open(sink, "w", format=container) as output:
        stream = output.add_stream(encoder.codec.name, rate=encoder.sample_rate, layout="mono", options=dict(encoder.codec.options))
        stream.codec_context.format = encoder.codec.sample_format
        _label(output, labels, encoder.sample_rate)
        time_base, position, came = Fraction(1, encoder.sample_rate), -encoder.delay, 0
        for data in (packet for piece in pieces for packet in piece):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, time_base
            packet.pts = packet.dts = position
            packet.duration = min(encoder.frame, samples - position)  # Ogg files end with the last sample that is counted
            position += encoder.frame
            came += 1
            output.mux(packet)
            sink.check(target)
        _check(came, count)
    if container == "mp3":
        tell_padding(target, encoder.delay, position - samples)


def write_flac(target: Path, blocks: Iterable[np.ndarray], sample_rate: int, labels: Labels) -> None:
    """FLAC of float32 PCM that comes in blocks. Raises StorageFull."""
    import av

    with new_file(target) as sink, av.open(sink, "w", format="flac") as output:
        stream = output.add_stream(FLAC.name, rate=sample_rate, layout="mono", options=dict(FLAC.options))
        stream.codec_context.format = FLAC.sample_format
        _label(output, labels, sample_rate)
        position = 0
        for block in even_blocks(blocks):
            pcm = np.rint(np.clip(block, -1.0, 1.0) * SCALE).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(pcm[None], format=FLAC.sample_format, layout="mono")
            frame.sample_rate, frame.pts = sample_rate, position
            position += len(block)
            output.mux(stream.encode(frame))
            sink.check(target)
        output.mux(stream.encode(None))


def samples_of(path: Path, encoder: Encoder | None) -> int:
    """How many samples of audio a file says that it holds: by its index of packets where it has one, else by the length that a player finds
    in its head or, of Ogg, on its last page. `encoder`: of its packets; None where it was written sample by sample."""
    if encoder is None:
        import soundfile

        return soundfile.info(path).frames

    import av

    with av.open(path) as file:
        (stream,) = file.streams.audio
        if stream.frames:
            return stream.frames * encoder.frame - encoder.delay
        return round((stream.duration or 0) * (stream.time_base or 0) * encoder.sample_rate)


@contextmanager
def new_file(target: Path) -> Iterator[Sink]:
    """A file that is whole or absent."""
    sink: Sink | None = None
    try:
        with target.open("wb", buffering=0) as stream:
            sink = Sink(stream)
            yield sink
            sink.check(target)
    except BaseException:
        target.unlink(missing_ok=True)
        if sink is not None:
            sink.check(target)  # a full disk explains whatever came of it
        raise


def _check(came: int, announced: int) -> None:
    if came != announced:
        raise ValueError(f"{came} packets came where {announced} were announced")


def _label(output: av.container.OutputContainer, labels: Labels, sample_rate: int) -> None:
    output.metadata.update(labels.tags())
    if output.format.name == "mp3":
        unit = Fraction(1, sample_rate)
        output.set_chapters(
            [
                {"id": number, "start": mark.start, "end": mark.end, "time_base": unit, "metadata": {"title": mark.title}}
                for number, mark in enumerate(labels.chapters, 1)
            ]
        )
    else:  # FFmpeg's own way from chapters to these comments rounds half of them up by a second
        for number, mark in enumerate(labels.chapters, 1):
            output.metadata.update(_comments(number, mark, sample_rate))
    if labels.cover and output.format.name == "ogg":
        output.metadata["METADATA_BLOCK_PICTURE"] = base64.b64encode(_picture_block(labels.cover)).decode()
    elif labels.cover:
        _attach(output, labels.cover)


def _comments(number: int, mark: Mark, sample_rate: int) -> dict[str, str]:
    """A chapter among the comments of a Vorbis, Opus or FLAC file, as players read it."""
    milliseconds = round(1000 * mark.start / sample_rate)
    minutes, rest = divmod(milliseconds, 60_000)
    name = f"CHAPTER{number:03}"
    return {name: f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}", f"{name}NAME": mark.title}


def _attach(output: av.container.OutputContainer, cover: Picture) -> None:
    import av
    from av.stream import Disposition

    jpeg = cover.media_type == "image/jpeg"
    stream = output.add_stream("mjpeg" if jpeg else "png", rate=1)
    stream.width, stream.height, stream.pix_fmt = cover.width, cover.height, "yuvj420p" if jpeg else "rgb24"
    stream.disposition = Disposition.attached_pic
    packet = av.Packet(cover.content)
    packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 1)
    output.mux(packet)


def _picture_block(cover: Picture) -> bytes:
    """FLAC's picture block (RFC 9639, 8.8), which Ogg files hold in base64."""
    kind = cover.media_type.encode()
    facts = struct.pack(">IIIII", cover.width, cover.height, 24, 0, len(cover.content))
    return struct.pack(">II", FRONT_COVER, len(kind)) + kind + struct.pack(">I", 0) + facts + cover.content
