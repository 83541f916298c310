"""Whether letters make a Vietnamese syllable, and letters by their names.

A syllable is an onset, a rhyme and a tone. The tables are those of every school grammar; they hold more than the dictionary does, because each
onset is let stand before each rhyme, and that is right here: "WHO" or "BTC" cannot be read, "TIN" and "HOA" can.
"""

from __future__ import annotations

import re
import unicodedata

_ONSETS = "ngh ng nh gh gi kh th tr ch ph qu b c d đ g h k l m n p r s t v x".split()
_RHYMES = (
    "a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây e ec em en eng eo ep et ê êch êm ên ênh êp êt êu "
    "i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen "
    "oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uac uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi "
    "uôm uôn uông uôt up ut uy uya uych uyên uyêt uynh uyp uyt uyu uơ ư ưa ưc ưi ươc ươi ươm ươn ương ươp ươt ươu ưm ưn ưng ưt ưu "
    "y yêm yên yêng yêt yêu ym yn ynh yt"
).split()
_TONES = {0x300, 0x301, 0x303, 0x309, 0x323}  # grave, acute, tilde, hook above, dot below
_SYLLABLE = re.compile(f"(?:{'|'.join(_ONSETS)})?(?:{'|'.join(sorted(_RHYMES, key=len, reverse=True))})")

_LETTERS = dict(
    zip(
        "A Ă Â B C D Đ E Ê F G H I J K L M N O Ô Ơ P Q R S T U Ư V W X Y Z".split(),
        "a,á,ớ,bê,xê,đê,đê,e,ê,ép,giê,hát,i,gi,ca,e lờ,em,en,ô,ô,ơ,pê,quy,e rờ,ét,tê,u,ư,vê,vê kép,ích,i,dét".split(","),
        strict=True,
    )
)


def is_syllable(word: str) -> bool:
    """Whether a Vietnamese reader can read the word as one syllable; case does not matter."""
    bare = "".join(mark for mark in unicodedata.normalize("NFD", word.lower()) if ord(mark) not in _TONES)
    return _SYLLABLE.fullmatch(unicodedata.normalize("NFC", bare)) is not None


def spelled(letters: str) -> str:
    """Letters by name, as in the acronyms of the news, whose D is đê and whose O is ô: "GDP" → giê đê pê. Other marks are left out."""
    names = (_LETTERS.get(letter.upper()) or _LETTERS.get(_bare(letter)) for letter in letters)
    return " ".join(name for name in names if name)


def _bare(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0].upper()
