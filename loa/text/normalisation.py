"""Clean text: one form for every character, no invisible characters, one way to write a paragraph break.

What a word, a number or a date sounds like is not decided here.
"""

from __future__ import annotations

import re
import unicodedata

from loa.errors import EmptyText

PARAGRAPH = "\n\n"

_KEPT_FORMAT = "\u200c\u200d"  # zero-width (non-)joiner: they are part of the spelling in Persian and Indic scripts, and of emoji
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028]")
_BLANKS = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")  # all but a single blank, which stays as it is
_BLANK_LINES = re.compile(r"\n[ \n]*\n")
_RUN = re.compile(r"([^\w\s])\1{3,}")  # four or more of the same mark say no more than three
_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’»)\]]*$")


def normalise(text: str) -> str:
    """The text in its one canonical form; doing it twice changes nothing.

    Unicode NFC; control, bidi and private-use characters removed; blanks folded; line ends inside a paragraph become blanks; paragraphs
    parted by one empty line; paragraphs without a letter or digit ("* * *") dropped; a mark repeated more than three times is written three
    times. Lines that are paragraphs of their own, as on web pages, are told from wrapped ones by how most of them end.
    Raises EmptyText when nothing speakable remains.
    """
    text = _LINE_END.sub("\n", text).replace("\u2029", PARAGRAPH)
    text = unicodedata.normalize("NFC", _visible(text))
    text = _RUN.sub(r"\1\1\1", _BLANKS.sub(" ", text))
    lines = [line.strip() for line in text.strip().split("\n")]
    if _lines_are_paragraphs(lines):
        paragraphs = lines
    else:
        paragraphs = [" ".join(paragraph.split()) for paragraph in _BLANK_LINES.split("\n".join(lines))]
    text = PARAGRAPH.join(paragraph for paragraph in paragraphs if speakable(paragraph))
    if not text:
        raise EmptyText("the text holds no letter and no digit")
    return text


def speakable(text: str) -> bool:
    """Whether there is anything to say: at least one letter or digit of any script."""
    return any(map(str.isalnum, text))


def _visible(text: str) -> str:
    unwanted = {
        ord(character): None
        for character in set(text)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") and character not in "\n\t" and character not in _KEPT_FORMAT
    }
    return text.translate(unwanted) if unwanted else text


def _lines_are_paragraphs(lines: list[str]) -> bool:
    """Whether lines are paragraphs rather than text wrapped at a column: no empty line anywhere, and two in three end a sentence."""
    if len(lines) < 2 or not all(lines):
        return False
    return sum(1 for line in lines if _SENTENCE_END.search(line)) * 3 >= len(lines) * 2
