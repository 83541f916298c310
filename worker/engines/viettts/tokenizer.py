"""Text → ids of VietTTS's text embedding: byte pairs, merged in the order of their ranks.

The vocabulary is the one of CosyVoice, made out of Whisper's (multilingual.tiktoken, with its licence beside it): 58,836 byte sequences.
The reference gives the ids after those to 1,674 special tokens such as <|endoftext|>, which makes 60,510; the embedding has five rows more.
Here they do not exist: text that looks like one is cut into ordinary tokens, so no text tells the model anything but what to say.
"""

from __future__ import annotations

import base64
from pathlib import Path

import tiktoken

from loa.errors import EmptyText

VOCABULARY = 58_836  # ids that text can have
RANKS = Path(__file__).with_name("multilingual.tiktoken")  # lines of `BASE64 RANK`
# GPT-2's rule of what is merged at most: an English contraction; letters, digits or other signs with the blank before them; blanks.
PIECES = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


class Tokenizer:
    """Threads may share one."""

    def __init__(self) -> None:
        pairs = (line.split() for line in RANKS.read_text(encoding="ascii").splitlines())
        ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
        self._encoding = tiktoken.Encoding("viettts", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={}, explicit_n_vocab=VOCABULARY)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, each below VOCABULARY. Raises EmptyText when there is nothing but blanks."""
        if not text.strip():
            raise EmptyText("there is no text to speak")
        return self._encoding.encode_ordinary(text)

    def decode(self, ids: list[int]) -> str:
        """The text of ids; what is no whole character is replaced."""
        return self._encoding.decode(ids)
