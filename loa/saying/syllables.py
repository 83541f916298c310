"""Which words can be Vietnamese syllables: an onset, a rime and a tone that go together.

Vietnamese is written one syllable at a time, and about 6,700 of them are in use. Tone marks may stand where the old or the new
spelling puts them ("hòa", "hoà"). The tables follow the descriptions of the modern orthography, quốc ngữ.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from loa.saying.tables import words

_TONES = {"\u0300": "huyền", "\u0301": "sắc", "\u0303": "ngã", "\u0309": "hỏi", "\u0323": "nặng"}
_CLOSED = ("c", "ch", "p", "t")  # rimes that end so have one of two tones
_CLOSED_TONES = ("sắc", "nặng")

_ONSETS = words("b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x")
_FRONT = ("e", "ê", "i", "y")  # before them k, gh, ngh are written, elsewhere c, g, ng
_RIMES = frozenset(
    words(
        "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et ê êch êm ên ênh êp "
        "êt êu i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn "
        "oăng oăt oc oe oem oen oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân uâng uât uây uc uê "
        "uêch uên uênh ui um un ung uơ uôc uôi uôm uôn uông uôt up ut uy uya uych uyên uyêt uyn uynh uyp uyt uyu ư ưa ưc ưi ưm ưn ưng ưt "
        "ưu ươc ươi ươm ươn ương ươp ươt ươu y yêm yên yêng yêt yêu"
    )
)
_AFTER_QU = frozenset(
    words(
        "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc ân âng âp ât âu ây e ec en eng eo et ê êch ên ênh êt êu i it in "
        "inh ich iu ôc ơ ơn ơt y ych yên yêt yn ynh yt yu"
    )
)
_AFTER_GI = frozenset(rime for rime in _RIMES if rime[0] not in "iy") | {"êc", "êng"}


def marked(word: str) -> bool:
    """Whether a word in NFC has a letter or a tone mark that plain ASCII lacks."""
    return not word.isascii()


@lru_cache(maxsize=50_000)
def is_syllable(word: str) -> bool:
    """Whether a word, in lower case and NFC, is written as a Vietnamese syllable can be."""
    bare, tone = _tone(word)
    if bare is None:
        return False
    rime = _rime(bare)
    if rime is None:
        return False
    return not rime.endswith(_CLOSED) or tone in _CLOSED_TONES or not marked(word)


def _tone(word: str) -> tuple[str | None, str]:
    """A word without its tone mark, and its tone; None for a word with two."""
    tones = [_TONES[mark] for mark in unicodedata.normalize("NFD", word) if mark in _TONES]
    if len(tones) > 1:
        return None, ""
    bare = "".join(character for character in unicodedata.normalize("NFD", word) if character not in _TONES)
    return unicodedata.normalize("NFC", bare), tones[0] if tones else "ngang"


def _rime(bare: str) -> str | None:
    """The rime of a word without tone; None for what is no syllable."""
    for length in (3, 2, 1, 0):
        onset, rime = bare[:length], bare[length:]
        if (length and onset not in _ONSETS) or not rime:
            continue
        if _fits(onset, rime):
            return rime
    return None


def _fits(onset: str, rime: str) -> bool:
    if onset == "qu":
        return rime in _AFTER_QU
    if onset == "gi" and rime in _AFTER_GI:
        return True
    if rime not in _RIMES or (rime.startswith("yê") and onset):
        return False
    if onset in ("k", "gh", "ngh"):
        return rime[0] in _FRONT
    if onset in ("c", "g", "ng"):
        return rime[0] not in _FRONT or (onset == "g" and rime[0] == "i")
    return True
