"""What an mp3 says of its own beginning and end, so that players can leave out what the encoder added: LAME's extension of the Xing header.

FFmpeg writes the header; PyAV has no way to tell it how much is to be left out, so that is filled in here.
"""

from __future__ import annotations

from pathlib import Path

DECODER_DELAY = 529  # samples that every decoder adds; the tag counts without them
MOST = 0xFFF  # samples in 12 bits

_PADDING, _CRC = 141, 154  # bytes from the start of the header
_HEADER_AND_SIDE_INFORMATION = {0: 13, 1: 21}  # bytes of a frame of one channel before the header: of MPEG-2 and 2.5, of MPEG-1


def tell_padding(target: Path, delay: int, padding: int) -> None:
    """Write into an mp3 of one channel how many samples its decoder shall drop at the start and at the end. Raises ValueError."""
    with target.open("r+b") as file:
        at = _first_frame(file.read(10))
        file.seek(at)
        frame = bytearray(file.read(21 + _CRC + 2))
        if len(frame) < 40 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
            raise ValueError("no frame where the first one of an mp3 should be")
        header = _HEADER_AND_SIDE_INFORMATION[int(frame[1] & 0x18 == 0x18)]
        if frame[header : header + 4] not in (b"Xing", b"Info"):
            raise ValueError("an mp3 without a Xing header")
        start, end = min(delay - DECODER_DELAY, MOST), min(padding + DECODER_DELAY, MOST)
        frame[header + _PADDING : header + _PADDING + 3] = (start << 12 | end).to_bytes(3, "big")
        frame[header + _CRC : header + _CRC + 2] = _crc(frame[: header + _CRC]).to_bytes(2, "big")
        file.seek(at)
        file.write(frame[: header + _CRC + 2])


def _first_frame(start: bytes) -> int:
    """Behind an ID3v2 tag, whose length is written in four times seven bits."""
    if not start.startswith(b"ID3"):
        return 0
    return 10 + sum(byte << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=True))


def _crc(content: bytes | bytearray) -> int:
    """CRC-16 (ARC)."""
    value = 0
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
