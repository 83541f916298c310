"""Text before it is spoken: cleaned (`normalise`) and cut into passages (`split`) or sentences (`sentences`); titles, `shortened`."""

from loa.text.normalisation import PARAGRAPH, normalise, speakable
from loa.text.splitting import CLAUSE_PAUSE, PIECE_LIMIT, Break, Piece, sentences, shortened, split

__all__ = ["CLAUSE_PAUSE", "PARAGRAPH", "PIECE_LIMIT", "Break", "Piece", "normalise", "sentences", "shortened", "speakable", "split"]
