"""Text before it is spoken: cleaned (`normalise`) and cut into passages (`split`)."""

from loa.text.normalisation import normalise, speakable
from loa.text.splitting import PIECE_LIMIT, Piece, split

__all__ = ["PIECE_LIMIT", "Piece", "normalise", "speakable", "split"]
