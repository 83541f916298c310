"""Covers: what kind of picture they are, and how large; read from their first bytes and never decoded, since they come from strangers."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_NO_SIZE = {0xC4, 0xC8, 0xCC}  # JPEG's markers between 0xC0 and 0xCF that begin no frame


@dataclass(frozen=True, kw_only=True)
class Picture:
    media_type: str  # "image/jpeg" or "image/png"
    width: int  # pixels
    height: int
    content: bytes


def picture(content: bytes) -> Picture | None:
    """None for what is neither a JPEG nor a PNG: no player would show it."""
    try:
        size = _png_size(content) if content.startswith(_PNG) else _jpeg_size(content) if content.startswith(b"\xff\xd8") else None
    except (struct.error, IndexError):
        return None
    if size is None or 0 in size:
        return None
    media_type = "image/png" if content.startswith(_PNG) else "image/jpeg"
    return Picture(media_type=media_type, width=size[0], height=size[1], content=content)


def _png_size(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """From the first frame's header: segment after segment until there is one."""
    position = 2
    while content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xFF:  # padding
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        (length,) = struct.unpack_from(">H", content, position + 2)
        position += 2 + length
    return None
