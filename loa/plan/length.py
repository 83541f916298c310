"""How long speech will be, before anybody has spoken it."""

from __future__ import annotations

# By the first part of the voice's language. English: joe spoke sentences of 25 to 300 characters at 18 to 20 a second, short ones at 15.
# Vietnamese words are short and each is a syllable.
CHARACTERS_A_SECOND = {"en": 17.0, "vi": 13.0}
OTHER_CHARACTERS_A_SECOND = 15.0
DIGIT_CHARACTERS = 5  # a digit is spoken as a word: "1999" takes as long as twenty letters
BREATH = 0.15  # seconds that even the shortest text takes


def estimate(text: str, language: str, speed: float = 1.0) -> float:
    """Seconds of audio that `text` will be, roughly: within a quarter for prose."""
    rate = CHARACTERS_A_SECOND.get(language.split("-", maxsplit=1)[0].lower(), OTHER_CHARACTERS_A_SECOND)
    digits = sum(map(str.isdigit, text))
    return round((BREATH + (len(text) + (DIGIT_CHARACTERS - 1) * digits) / rate) / speed, 3)
