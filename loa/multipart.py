"""A multipart/form-data body that streams its file from the disk, as often as it is asked to."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BLOCK = 256 * 1024  # bytes
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # as browsers do (HTML standard, multipart/form-data)


class Multipart:
    """`fields` as text parts (what is not text goes as JSON), then `file` under the name "file". The file may not change meanwhile."""

    def __init__(self, *, fields: Mapping[str, Any], file: Path) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file = file
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"\r\n\r\n{_text(value)}\r\n'
            for name, value in fields.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name.translate(_ESCAPES)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.length = len(self._head) + file.stat().st_size + len(self._tail)  # bytes

    def blocks(self) -> Iterator[bytes]:
        """The body from its beginning."""
        yield self._head
        with self._file.open("rb") as stream:
            while block := stream.read(BLOCK):
                yield block
        yield self._tail


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
