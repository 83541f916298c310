"""What is named by figures and letters: telephone numbers, ISBNs, versions, "MP3", "H₂O", "COVID-19", "#1"."""

from __future__ import annotations

import re
import unicodedata

from loa.saying.alphabet import LATIN
from loa.saying.english.acronyms import letters, pronounceable
from loa.saying.english.numbers import amount, digits, pairs, plural
from loa.saying.said import Rule

_SUBSCRIPT = frozenset("₀₁₂₃₄₅₆₇₈₉")
_MOST_RUNS = 8  # of letters and of figures in turn: what has more is a key, and said character by character
_EMERGENCY = ("911", "999", "112", "411", "311", "211")

_RUN = re.compile(f"[0-9]+|[{LATIN}]+")


def _grouped(written: str) -> str:
    """Figure by figure, with a pause between the groups: "+1 (555) 123-4567" → "plus one, five five five, one two three, four …"."""
    plus = "plus " if written.lstrip("(").startswith("+") else ""
    return plus + ", ".join(digits(group) for group in re.findall("[0-9]+", written))


def _isbn(match: re.Match[str]) -> str:
    said = _grouped(match["figures"])
    return f"I.S.B.N {said}, X" if match["figures"][-1:] in "xX" else f"I.S.B.N {said}"


def _version(match: re.Match[str]) -> str:
    said = " point ".join(amount(part) for part in match["figures"].split("."))
    return f"version {said}" if match["v"] and not re.search(r"[Vv]ersion\s$", match.string[: match.start()][-9:]) else said


def mixed(written: str) -> str:
    """Letters and figures in turn: "B2B" → "B-two-B", "MP3" → "M.P three", "A380" → "A-three eighty", "iPhone14" → "iPhone fourteen"."""
    formula = not _SUBSCRIPT.isdisjoint(written)
    runs = _RUN.findall("".join(str(unicodedata.digit(character, character)) for character in written))  # "²" and "٣", too
    if len(runs) > _MOST_RUNS or any(len(run) > 6 and run.isdecimal() for run in runs):
        return " ".join(digits(character) if character.isdecimal() else character.upper() for run in runs for character in run)
    if runs[-1] == "s" and len(runs) > 1:
        return plural(mixed(written[:-1]) if len(runs) > 2 else _figures(runs[0]))
    said = ""
    for run in runs:
        single = len(run) == 1 and run.isalpha()
        joint = "" if not said else ("-" if single or _ends_in_letter(said) else " ")
        said += joint + (_figures(run) if run.isdecimal() else _letters(run, formula=formula))
    return said


def _ends_in_letter(said: str) -> bool:
    return re.search(r"(?:^|-)[A-Z]$", said) is not None


def _letters(run: str, *, formula: bool) -> str:
    if len(run) == 1:
        return run.upper()
    if formula:
        return letters(run)
    return letters(run) if len(run) <= 5 and (not pronounceable(run) or (run.isupper() and len(run) <= 3)) else run


def _figures(run: str) -> str:
    return pairs(run) if len(run) <= 4 else digits(run)


_STATES = (  # without those that are words in capitals: IN, OR, ME …
    "AK|AL|AR|AZ|CA|CO|CT|DC|DE|FL|GA|IA|ID|IL|KS|KY|LA|MA|MD|MI|MN|MO|MS|MT|NC|ND|NE|NH|NJ|NM|NV|NY|OH|PA|RI|SC|SD|TN|TX|UT"
    "|VA|VT|WA|WI|WV|WY"
)
_MIXED = re.compile(rf"(?<!\w)(?=[{LATIN}]*[0-9₀-₉])(?=[0-9₀-₉]*[{LATIN}])[0-9₀-₉{LATIN}]{{2,40}}(?!\w|,\d)")
_PHONE = (
    r"(?<![\w.,+-])(?:"
    r"\+\d{1,3}(?:[\s.-]?\(?\d{1,4}\)?){2,5}"  # +84 912 345 678
    r"|\(\d{2,4}\)\s?\d{3,4}[\s.-]\d{3,4}"  # (555) 123-4567
    r"|(?:1[-.\s])?\d{3}([-.])\d{3}\1\d{4}"  # 555-123-4567
    r"|\d{3}-\d{4}"  # 555-1234
    r"|0\d{2,3}[\s.-]\d{3}[\s.-]\d{3,4}"  # 0912 345 678
    r"|0\d{9}"
    r")(?![\w-]|[.,]\d)"
)

RULES = (
    Rule(name="isbn", pattern=re.compile(r"\bISBN(?:-1[03])?:?\s?(?P<figures>[0-9][0-9-]{8,16}[0-9Xx])(?!\w)"), speak=_isbn),
    Rule(name="phone", pattern=re.compile(_PHONE), speak=lambda match: _grouped(match.group())),
    Rule(
        name="phone",
        pattern=re.compile(rf"(?<=\b(?:[Cc]all|[Dd]ial)\s)(?:{'|'.join(_EMERGENCY)})(?![\w-]|[.,]\d)"),
        speak=lambda match: digits(match.group()),
    ),
    Rule(
        name="version",
        pattern=re.compile(
            r"(?<![\w.])(?P<v>[vV]\.?(?=\d+\.\d|\d+\b))?(?P<figures>\d+(?:\.\d+){2,5})(?![\w]|\.\d)|"
            r"(?<![\w.])(?P<v2>[vV]\.?)(?P<short>\d+(?:\.\d+)?)(?!\w|\.\d)"
        ),
        speak=lambda match: (
            _version(match) if match["figures"] else f"version {' point '.join(amount(part) for part in match['short'].split('.'))}"
        ),
    ),
    Rule(
        name="number sign",
        pattern=re.compile(r"(?<![\w&])#\s?(?P<figures>\d[\d,]*)(?![\w])"),
        speak=lambda match: f"number {amount(match['figures'])}",
    ),
    Rule(
        name="zip code",  # "Boston, MA 02111-1307"
        pattern=re.compile(rf"(?<=, (?:{_STATES})\s)\d{{5}}(?:-\d{{4}})?(?![\w-]|[.,]\d)"),
        speak=lambda match: _grouped(match.group()),
    ),
    Rule(
        name="code",  # "H.264", a codec
        pattern=re.compile(r"(?<![\w.])(?P<letter>[A-Z])\.(?P<figures>\d{3})(?!\w|[.,]\d)"),
        speak=lambda match: f"{match['letter']}-{pairs(match['figures'])}",
    ),
    Rule(
        name="section",  # "B.5.3" of an appendix
        pattern=re.compile(r"(?<![\w.])(?P<letter>[A-Z])(?P<figures>(?:\.\d{1,2}){1,4})(?!\w|\.\w)"),
        speak=lambda match: match["letter"] + "".join(f" point {amount(part)}" for part in match["figures"].split(".")[1:]),
    ),
    Rule(name="code", pattern=re.compile(r"\b401\s?\(?k\)?(?!\w)"), speak=lambda _: "four oh one K"),
    Rule(name="code", pattern=_MIXED, speak=lambda match: mixed(match.group())),
    Rule(
        name="code",  # "COVID-19", "Boeing 747-400"
        pattern=re.compile(r"(?<=[^\W\d_][-‑–])(?P<figures>[0-9]{1,4})(?P<plural>s\b)?(?![\w]|[.,]\d)"),
        speak=lambda match: plural(pairs(match["figures"])) if match["plural"] else pairs(match["figures"]),
    ),
    Rule(
        name="code",  # "Room 101"
        pattern=re.compile(
            r"(?P<name>\b(?:Boeing|Airbus|Flight|flight|Route|Room|room|Highway|Interstate|Channel|Area)\s)(?P<figures>[0-9]{3})(?!\w|[.,]\d)"
        ),
        speak=lambda match: match["name"] + pairs(match["figures"]),
    ),
)
