"""Codecs whose packets can be joined: what a part is encoded to, and how much silence it takes to go from one part to the next.

A part begins and ends in silence, so an encoder that starts anew with it is in the state in which one would be that had encoded the whole
book: between two parts there is silence before and silence after. The packets of a part are therefore its own and no other's. What they
need is room: an encoder looks ahead, so a part's audio begins `delay` samples after the beginning of its first packet, and it ends within
its last. Between two parts go packets of silence, as many as the pause takes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from loa.audio import even_blocks
from loa.formats import Coding

if TYPE_CHECKING:
    import av

_HEAD = struct.Struct("<4sII")  # magic, number of packets, CRC-32 of what follows
_MAGIC = b"LOA1"
_STEADY = 16  # packets after which an encoder of silence repeats itself


@dataclass(frozen=True, kw_only=True)
class Packets:
    """Encoded audio: packets of equal duration, one after the other."""

    sizes: np.ndarray  # uint32 [packets], bytes
    data: bytes

    def pack(self) -> bytes:
        """As a file."""
        body = self.sizes.astype("<u4").tobytes() + self.data
        return _HEAD.pack(_MAGIC, len(self.sizes), zlib.crc32(body)) + body

    @classmethod
    def unpack(cls, content: bytes) -> Packets:
        """Raises ValueError for bytes that are damaged."""
        if len(content) < _HEAD.size:
            raise ValueError("packets without a header")
        magic, count, checksum = _HEAD.unpack_from(content)
        body = content[_HEAD.size :]
        if magic != _MAGIC or zlib.crc32(body) != checksum:
            raise ValueError("packets with a wrong checksum")
        return cls(sizes=np.frombuffer(body, "<u4", count), data=body[4 * count :])

    def __iter__(self) -> Iterator[bytes]:
        position = 0
        for size in self.sizes.tolist():
            yield self.data[position : position + size]
            position += size


@dataclass(frozen=True, kw_only=True)
class Codec:
    """An encoder and how it is used. `name` and `options` are FFmpeg's."""

    name: str
    sample_format: str
    options: tuple[tuple[str, str], ...]
    lead: int = 0  # packets of silence with which a part begins that follows another: what its decoder needs to forget what was before

    @property
    def manner(self) -> str:
        """Everything that decides about the packets, as text."""
        return f"{self.name} {' '.join(f'{name}={value}' for name, value in self.options)} lead={self.lead}"

    def at(self, sample_rate: int) -> Encoder:
        """At a rate in Hz that the codec knows."""
        return _encoder(self, sample_rate)


# AAC by constant quality: with a bit rate to keep, the encoder tries each frame several times (half as fast), and what a part sounds like
# would depend on what was before it. MP3 without a reservoir of bits: no frame leans on the one before.
CODECS: dict[Coding, Codec] = {
    "aac": Codec(
        name="aac", sample_format="fltp", options=(("aac_coder", "fast"), ("flags", "+qscale"), ("global_quality", "118"))
    ),  # quality 1.0: about 60 kb/s at 22,050 Hz
    "mp3": Codec(
        name="libmp3lame",
        sample_format="fltp",
        options=(("compression_level", "7"), ("flags", "+qscale"), ("global_quality", str(4 * 118)), ("reservoir", "0")),
    ),  # LAME's -V 4: about 50 kb/s at 22,050 Hz
    "opus": Codec(
        name="libopus",
        sample_format="flt",
        options=(("b", "32000"), ("compression_level", "5"), ("frame_duration", "60"), ("application", "audio")),
        lead=2,  # 120 ms; RFC 7845 asks for 80 before a place that is jumped to
    ),
}


@dataclass(frozen=True)
class Encoder:
    """A codec at a rate."""

    codec: Codec
    sample_rate: int  # Hz

    @cached_property
    def _facts(self) -> tuple[int, int, bytes, bytes]:
        context = self._open()
        packets = list(self._through(context, [np.zeros(context.frame_size * 2 * _STEADY, dtype=np.float32)]))
        assert packets[0].pts is not None
        return context.frame_size, -packets[0].pts, context.extradata or b"", bytes(packets[_STEADY])

    @property
    def frame(self) -> int:
        """Samples that a packet is long."""
        return self._facts[0]

    @property
    def delay(self) -> int:
        """Samples from the beginning of a file's first packet to the beginning of its audio."""
        return self._facts[1]

    @property
    def configuration(self) -> bytes:
        """What a decoder wants to know beforehand; may be empty."""
        return self._facts[2]

    @property
    def silence(self) -> bytes:
        """A packet of silence between others."""
        return self._facts[3]

    def lead(self, *, first: bool) -> int:
        """Samples of silence with which a part begins; none at the beginning of a file."""
        return 0 if first else self.codec.lead * self.frame

    def count(self, samples: int, *, first: bool) -> int:
        """How many packets hold a part of so many samples."""
        return -(-(self.lead(first=first) + self.delay + samples) // self.frame)

    def encode(self, blocks: Iterable[np.ndarray], samples: int, *, first: bool) -> Packets:
        """The packets of a part of float32 PCM that comes in blocks, `samples` long. `first`: a file begins with it.

        Raises ValueError when there are more or fewer samples than that.
        """
        count = self.count(samples, first=first)
        fed = 0

        def counted() -> Iterator[np.ndarray]:
            nonlocal fed
            yield np.zeros(self.lead(first=first), dtype=np.float32)
            for block in blocks:
                fed += len(block)
                yield block
            yield np.zeros(2 * self.frame + self.delay, dtype=np.float32)  # what an encoder wants to see before it gives its last packet

        packets = [bytes(packet) for packet in self.packets(counted())]
        if fed != samples or len(packets) < count:
            raise ValueError(f"{samples} samples were announced, {fed} came and made {len(packets)} packets")
        del packets[count:]
        return Packets(sizes=np.array([len(packet) for packet in packets], dtype=np.uint32), data=b"".join(packets))

    def packets(self, blocks: Iterable[np.ndarray]) -> Iterator[av.Packet]:
        """The packets of one encoder for float32 PCM that comes in blocks, from its first to its last."""
        yield from self._through(self._open(), blocks)

    def _through(self, context: av.AudioCodecContext, blocks: Iterable[np.ndarray]) -> Iterator[av.Packet]:
        import av

        position = 0
        for block in even_blocks(blocks):
            frame = av.AudioFrame.from_ndarray(block[None], format=self.codec.sample_format, layout="mono")
            frame.sample_rate, frame.pts = self.sample_rate, position
            position += len(block)
            yield from context.encode(frame)
        yield from context.encode(None)

    def _open(self) -> av.AudioCodecContext:
        from fractions import Fraction

        import av

        context = av.AudioCodecContext.create(self.codec.name, "w")
        context.sample_rate = self.sample_rate
        context.layout = "mono"
        context.format = self.codec.sample_format
        context.time_base = Fraction(1, self.sample_rate)
        context.options = dict(self.codec.options)
        context.open()
        return context


@cache
def _encoder(codec: Codec, sample_rate: int) -> Encoder:
    return Encoder(codec, sample_rate)
