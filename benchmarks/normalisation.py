"""Is Vietnamese said better, and how fast, than by the best open normaliser?

    pip install sea-g2p==0.10.0
    python benchmarks/normalisation.py [--wrong]

`say` against sea-g2p 0.10.0 (Apache-2.0; its `Normalizer` is what comes before its phonemes), over two lists: the sentences of
benchmarks/normalisation_vi.tsv (its head says when they were written and what was right at first sight: Loa's rules have been mended with
them since, so the score printed here is no figure for unseen text), and the table of rules,
tests/unit/saying/vietnamese.tsv, which is Loa's own choice of words and therefore no judge (sea-g2p's figure there says how far the two
agree). A sentence counts when every word is right. Equal for both sides: case, punctuation, hyphens, where the mark of a tone stands,
"linh" or "lẻ", "nghìn" or "ngàn", "mươi tư" or "mươi bốn", any name of a letter, and the marks <en>…</en> that sea-g2p puts around foreign
words. Speed: the median of ten rounds over all sentences, one thread, after a warm-up. --wrong lists what each got wrong. Mark: more
sentences right than sea-g2p.
"""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

from sea_g2p import Normalizer
from stage import median, report

from loa.saying import say

SENTENCES = Path(__file__).with_name("normalisation_vi.tsv")
TABLE = Path(__file__).parent.parent / "tests" / "unit" / "saying" / "vietnamese.tsv"
ROUNDS = 10

# Every name that a letter has, the schools', the radio's and the street's.
LETTERS = {
    "A": "a|ây", "B": "bê|bờ|bi", "C": "xê|cờ|xi", "D": "đê|dê|đi|dờ", "Đ": "đê|đờ", "E": "e|i", "F": "ép|ép phờ|phờ|ép pờ|ép phê",
    "G": "giê|gờ|gi|ji|rê", "H": "hát|hờ|ết", "I": "i|ai|i ngắn", "J": "gi|giây|ji", "K": "ca|cờ|kê|ka", "L": "e lờ|lờ|eo|el|e lơ|en lờ",
    "M": "em|em mờ|mờ|e mờ", "N": "en|en nờ|nờ|e nờ|anh", "O": "o|ô|âu", "P": "pê|phê|pờ|pi", "Q": "quy|cu|quờ|kiu",
    "R": "e rờ|rờ|a|a rờ|ơ rờ", "S": "ét|ét sì|ét xì|sờ|ết|ích xì", "T": "tê|tờ|ti", "U": "u|iu", "V": "vê|vờ|vi",
    "W": "vê kép|đáp liu|vê đúp|vê kép", "X": "ích|ích xì|xờ|ích sì", "Y": "i|y|i dài|y dài|oai|i cờ rét|i gờ rét",
    "Z": "dét|zét|giét|dét tờ",
}  # fmt: skip
_EQUAL = {"lẻ": "linh", "ngàn": "nghìn", "kilômét": "ki lô mét", "kilôgam": "ki lô gam", "tỉ": "tỷ", "uỷ": "ủy"}
_TONES = "\u0300\u0301\u0303\u0309\u0323"


def heard(text: str) -> str:
    """The words of a text in a form that is the same for what sounds the same."""
    text = re.sub(r"</?en>", " ", unicodedata.normalize("NFC", text).lower())
    words = re.sub(r"[^\w]+|_", " ", text).replace("mươi bốn", "mươi tư").split()
    return " ".join(_toned(_EQUAL.get(word, word)) for word in words)


def _toned(words: str) -> str:
    """The tone at the end of its syllable, so that "hoà" and "hòa" are one."""
    done = []
    for word in words.split():
        parts = unicodedata.normalize("NFD", word)
        tone = "".join(mark for mark in parts if mark in _TONES)
        bare = "".join(mark for mark in parts if mark not in _TONES)
        done.append(
            unicodedata.normalize("NFC", bare)
            + {"": "", "\u0300": "2", "\u0301": "1", "\u0303": "4", "\u0309": "3", "\u0323": "5"}[tone[:1]]
        )
    return " ".join(done)


def readings(expected: str) -> re.Pattern[str]:
    """A reading with its alternatives, {a|b} and <LETTERS>, as a pattern for what is heard."""
    pattern = ""
    for token in re.findall(r"\{|\}|\||<[^>]+>|[^{}|<>]+", expected):
        if token[0] == "<":
            pattern += "".join(
                f"(?: {'|'.join(f' {heard(name)} ' for name in (*LETTERS[letter].split('|'), letter))} )" for letter in token[1:-1]
            )
        else:
            pattern += {"{": "(?:", "}": ")", "|": "|"}.get(token) or f" {heard(token)} "
    return re.compile(re.sub(r" +", " *", pattern))


def judged(sentences: list[tuple[str, str]], spoken: Callable[[str], str]) -> list[tuple[str, str, str]]:
    """What is wrong: the sentence, its reading, and what was said for it."""
    wrong = []
    for written, expected in sentences:
        said = spoken(written)
        if not readings(expected).fullmatch(heard(said)):
            wrong.append((written, expected, said))
    return wrong


def timed(sentences: list[tuple[str, str]], spoken: Callable[[str], str]) -> float:
    """Microseconds a sentence."""
    rounds = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        for written, _reading in sentences:
            spoken(written)
        rounds.append((time.perf_counter() - began) / len(sentences))
    return round(median(rounds[1:]) * 1e6, 1)


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def main() -> None:
    sentences = [(written, reading) for _kind, written, reading in rows(SENTENCES)]
    table = [(written, spoken) for written, spoken, _rule in rows(TABLE)] if TABLE.exists() else []
    normalizer = Normalizer()
    sides: dict[str, Callable[[str], str]] = {"loa": lambda text: say(text, "vi").spoken, "sea_g2p": normalizer.normalize}
    figures: dict[str, object] = {"sentences": len(sentences), "table": len(table)}
    for name, spoken in sides.items():
        wrong = judged(sentences, spoken)
        differing = judged([(written, re.sub(r"[{}|<>]", " ", reading)) for written, reading in table], spoken)
        if "--wrong" in sys.argv:
            for written, expected, said in wrong:
                print(f"{name} wrong\n   {written}\n   {expected}\n   {said}")
        figures[f"{name}_right"] = len(sentences) - len(wrong)
        figures[f"{name}_as_table"] = len(table) - len(differing)
        figures[f"{name}_us_per_sentence"] = timed(sentences, spoken)
    figures["times_as_fast"] = round(figures["sea_g2p_us_per_sentence"] / figures["loa_us_per_sentence"], 2)  # type: ignore[operator]
    report("normalisation", figures)


if __name__ == "__main__":
    main()
