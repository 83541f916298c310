"""In which letters a document is written: a voice that does not know them would say nothing, or nonsense, for hours."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import islice

from loa.errors import UnsupportedLanguage
from loa.reading.document import Document

LATIN = frozenset({"en", "vi"})  # languages whose voices can say Latin letters alone
SAMPLE = 20_000  # letters, from all over the document
FOREIGN_SHARE = 0.5  # of the letters; what quotes less is read, and its foreign words are reported

_SCRIPTS = {
    "CJK": "Chinese or Japanese characters",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Cyrillic letters",
    "GREEK": "Greek letters",
    "ARABIC": "Arabic letters",
    "HEBREW": "Hebrew letters",
    "THAI": "Thai",
    "LAO": "Lao",
    "KHMER": "Khmer",
    "DEVANAGARI": "Devanagari",
}


def check_script(document: Document, language: str, voice: str) -> None:
    """Raises UnsupportedLanguage for a document that is mostly written in letters which the voice `voice` of `language` does not know."""
    if language.split("-", maxsplit=1)[0].lower() not in LATIN:
        return
    texts = [block.text for chapter in document.chapters if chapter.matter == "body" for block in chapter.blocks]
    step = max(1, sum(map(len, texts)) // SAMPLE)
    letters = (letter for text in texts for letter in text[::step] if letter.isalpha())
    counts = Counter(unicodedata.name(letter, "UNKNOWN").split(maxsplit=1)[0] for letter in islice(letters, SAMPLE))
    foreign = counts.total() - counts["LATIN"]
    if foreign > FOREIGN_SHARE * counts.total():
        del counts["LATIN"]
        ((script, _),) = counts.most_common(1)
        raise UnsupportedLanguage(
            f"the document is written in {_SCRIPTS.get(script, f'letters of {script.capitalize()}')}; the voice {voice} speaks {language}",
            voice=voice,
            language=language,
        )
