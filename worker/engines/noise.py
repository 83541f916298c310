"""Seeds of what an engine draws: the same text is the same sound in any batch, on any device."""

from __future__ import annotations

import hashlib


def row_seed(seed: int, row: int) -> int:
    """The seed of a passage's row. A hash, because torch's CPU generator looks at 32 bits only and similar seeds begin alike."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{row}".encode(), digest_size=4).digest())
