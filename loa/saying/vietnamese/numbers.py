"""Vietnamese number words.

Of two words for the same, the one that a newsreader of the national radio in Hà Nội uses: "linh" for an empty ten (105: một trăm linh năm;
the South says "lẻ"), "nghìn" (the South: "ngàn"), "tư" for a 4 after twenty and more (24: hai mươi tư), "mốt" for a 1 there (21), "lăm"
for a 5 after ten and more (15, 25). A lexicon changes whole words only, so who wants the southern forms chooses a voice, not a spelling.
"""

from __future__ import annotations

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_SCALES = ("", "nghìn", "triệu")
_BILLION = 10**9
LARGEST = 10**27  # beyond "tỷ tỷ tỷ" nobody follows


def cardinal(number: int) -> str:
    """105 → một trăm linh năm. Numbers of LARGEST and more, and negative ones, raise ValueError."""
    if not 0 <= number < LARGEST:
        raise ValueError(f"{number} has no name")
    return " ".join(_words(number)) or DIGITS[0]


def digits(figures: str) -> str:
    """Figure by figure: "05" → không năm. Figures of any script."""
    return " ".join(DIGITS[int(figure)] for figure in figures)


def ordinal(number: int) -> str:
    """What follows "thứ": nhất, hai, ba, tư, năm … (hai, not "nhì": so the days of the week are said, too)."""
    return {1: "nhất", 4: "tư"}.get(number) or cardinal(number)


def month(number: int) -> str:
    """What follows "tháng": một … tư … mười hai."""
    return "tư" if number == 4 else cardinal(number)


def _words(number: int, *, full: bool = False) -> list[str]:
    """`full`: larger units stand before, so hundreds are said even where there are none: 1.005 → một nghìn không trăm linh năm."""
    if number >= _BILLION:
        billions, rest = divmod(number, _BILLION)
        return [*_words(billions), "tỷ", *(_words(rest, full=True) if rest else ())]
    words: list[str] = []
    for power in (2, 1, 0):
        group = number // 1000**power % 1000
        if group:
            words += [*_group(group, full=full or bool(words)), _SCALES[power]]
    return [word for word in words if word]


def _group(number: int, *, full: bool) -> list[str]:
    """1 to 999."""
    hundreds, rest = divmod(number, 100)
    words = [DIGITS[hundreds], "trăm"] if hundreds or full else []
    if not rest:
        return words
    tens, units = divmod(rest, 10)
    if tens == 0:
        return [*words, *(["linh"] if words else []), DIGITS[units]]
    words += ["mười"] if tens == 1 else [DIGITS[tens], "mươi"]
    if units:
        words.append({(True, 1): "mốt", (True, 4): "tư", (True, 5): "lăm", (False, 5): "lăm"}.get((tens > 1, units)) or DIGITS[units])
    return words
