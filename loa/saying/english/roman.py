"""Roman numerals: "Chapter IV", "Henry VIII", "the XIXth century", "pp. ix–xi"; never the pronoun I, nor "MIX" or "CIVIL"."""

from __future__ import annotations

import re

from loa.saying.english.numbers import cardinal, ordinal, year
from loa.saying.english.sentence import opens, word_after, word_before
from loa.saying.said import Rule
from loa.saying.tables import words

_VALUES = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
_UPPER = r"(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})"
_LOWER = r"(?=[lxvi])(?:xl|l?x{0,4})(?:ix|iv|v?i{0,4})"

_PARTS = frozenset(
    words(
        "act acts appendix article articles book books canto cantos ch chapter chapters chap bk column fig figure figures lecture "
        "lesson letter level liber mark number part parts phase plate psalm scene section sonnet stage table title tome type class "
        "unit vol volume volumes vols war bowl apollo division corps rule p pp page pages pl"
    )
)
_LETTERED = frozenset(words("appendix class column figure fig level number part plate section table type unit"))  # "Appendix C", "Type D"
_AMOUNTS = frozenset(words("dollar dollars euro euros pound pounds yen cents percent usd eur gbp vnd million billion thousand"))
_RULERS = frozenset(
    words(
        "Henry Louis George Edward Elizabeth Charles James William Richard Philip Philippe Pius Paul Benedict Leo Gregory Clement "
        "Innocent Urban Sixtus Boniface Nicholas Alexander Ivan Peter Catherine Frederick Wilhelm Friedrich Napoleon Ferdinand Alfonso "
        "Carlos Juan Isabella Mary Ramses Rameses Ptolemy Cleopatra Darius Xerxes Artaxerxes Antiochus Seleucus Amenhotep Thutmose Otto "
        "Heinrich Karl Joseph Leopold Franz Maria Margaret Christian Gustav Gustavus Oscar Haakon Olaf Harald Robert David Malcolm "
        "Stephen John Baldwin Constantine Theodosius Justinian Leo Michael Murad Mehmed Selim Suleiman Mahmud Umberto Victor Emmanuel "
        "Pedro Sancho Rama Edmund Harold Abbas Bonaparte Julius Adrian Celestine"
    )
)
_TITLES = frozenset(words("King Queen Pope Emperor Empress Tsar Czar Kaiser Sultan Prince Duke Pharaoh Lord Earl"))


def value(numeral: str) -> int:
    """XIV → 14."""
    values = [_VALUES[letter] for letter in numeral.upper()]
    return sum(-value if value < max(values[at:]) else value for at, value in enumerate(values))


def _spoken(match: re.Match[str]) -> str | None:
    numeral, last, before = match["roman"], match["last"], word_before(match)
    if nth := match["counted"]:
        return ("the " if before.title() in _RULERS else "") + ordinal(value(nth))
    if word_after(match).lower() in ("century", "centuries") and (len(numeral) > 1 or numeral in "VX"):
        return ordinal(value(numeral))
    if before.lower() in _PARTS and _counts(match, before):
        return cardinal(value(numeral)) + (f" to {cardinal(value(last))}" if last else "")
    if last:
        return f"{cardinal(value(numeral))} to {cardinal(value(last))}" if min(len(numeral), len(last)) > 1 else None
    if numeral.isupper() and _is_ruler(match, before):
        return f"the {ordinal(value(numeral)).capitalize()}"
    if _is_mark(match):
        said = cardinal(value(numeral))
        return said.capitalize() if numeral.isupper() and opens(match) else said
    return _number(match)


def _counts(match: re.Match[str], before: str) -> bool:
    """Whether the numeral after "Chapter", "pp." and the like is one: "Part I" before a mark or "of", but not "the part I played"."""
    numeral, after = match["roman"], match.string[match.end() : match.end() + 8]
    if re.match(r" [A-Z]\b(?!['’])", after):
        return False  # letters one by one
    if match["last"]:
        return True
    if numeral in ("C", "D", "L", "M") and before.lower() in _LETTERED:
        return False
    if before == "mark":
        return False  # "question mark X"; it is "Mark V"
    if numeral == "I":
        return before[0].isupper() and bool(re.match(r"[.,:;!?)\]”\"–—]|\s*$|\n|\s+(?:of|to|and|in|the)\b", after))
    return len(numeral) > 1 or numeral.isupper() or numeral in "ivx"


def _is_ruler(match: re.Match[str], name: str) -> bool:
    """Whether "VIII" follows the name of a king or a pope; "I" does so only where it is not a pronoun."""
    if name.title() not in _RULERS:
        titled = re.search(r"([^\W\d_]+) [^\W\d_]+ $", match.string[max(0, match.start() - 40) : match.start()])
        return bool(name[:1].isupper() and titled and titled[1] in _TITLES and len(match["roman"]) > 1)
    after = word_after(match)
    return match["roman"] != "I" or not after or after in ("of", "and", "in")


def _is_mark(match: re.Match[str]) -> bool:
    """Whether the numeral numbers a paragraph or an item of a list: "IV. The House", "(iv)", "; V. the end"; but not in "C. S. Lewis"."""
    numeral, before, after = match["roman"], match.string[max(0, match.start() - 4) : match.start()], match.string[match.end() :][:4]
    if re.match(r"\. (?:[A-Z]\.|\d)", after) or re.fullmatch("[CDLMcdlm]", numeral):
        return False
    if before.endswith("(") and after.startswith(")"):
        return True
    if not re.match(r"[.)](?!\S)", after):
        return False
    return (
        opens(match)
        or re.search(r"[;:]\s?$|:—$", before) is not None
        or (numeral == "I" and re.search(r"[^A-Z\d]\. $", before) is not None)
    )


def _number(match: re.Match[str]) -> str | None:
    """A numeral that can be no word: of two letters I, V and X or more, or a year such as MDCCLXXVI."""
    numeral = match["roman"]
    if numeral == "IV" and word_after(match) in ("drip", "fluid", "fluids", "line", "therapy", "antibiotics", "needle", "bag"):
        return "I.V"
    if set(numeral) == {"X"} and word_after(match).lower() in _AMOUNTS:
        return None  # it stands for an amount that is not known yet
    if re.fullmatch("[IVX]{2,}", numeral):
        return cardinal(value(numeral))
    return year(value(numeral)) if len(numeral) > 3 and 1400 < value(numeral) < 2100 else None


_TOKEN = re.compile(
    rf"(?<![\w.&'’-])(?:(?P<roman>{_UPPER}|{_LOWER})|(?P<counted>{_UPPER}|[ivx]{{2,}})(?P<nth>th|st|nd|rd|(?<=[IVX])TH))(?:[–—-](?P<last>{_UPPER}|{_LOWER}))?(?![\w&-]|[’'](?!s\b)|\.[A-Za-z])"
)

RULES = (
    Rule(  # "Louis XVI. of France"
        name="roman",
        pattern=re.compile(rf"(?<=[a-zA-Z]{{3}} )(?P<roman>{_UPPER})\.(?= [a-z])"),
        speak=lambda match: f"the {ordinal(value(match['roman'])).capitalize()}" if _is_ruler(match, word_before(match)) else None,
        needs=re.compile(r"[MDCLXVI]\. [a-z]"),
    ),
    Rule(name="roman", pattern=_TOKEN, speak=_spoken),
)
