"""Abbreviations: "Mr.", "Dr." (doctor or drive), "St." (saint or street), "e.g.", "No. 5", "pp. 3–5", "w/o".

A full stop that belongs to the abbreviation goes, except where the sentence ends with it. Abbreviations of single letters, "U.S." or
"B.A.", stay as they are: a voice reads them by letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from loa.saying.english.sentence import full_stop, word_after, word_before
from loa.saying.said import Rule, Speak
from loa.saying.tables import words

_TITLES = {  # before names; a full stop after one never ends a sentence
    "Mr": "mister",
    "Mrs": "missus",
    "Ms": "miz",
    "Messrs": "messieurs",
    "Mme": "madame",
    "Mlle": "mademoiselle",
    "Prof": "professor",
    "Gen": "general",
    "Col": "colonel",
    "Capt": "captain",
    "Lt": "lieutenant",
    "Maj": "major",
    "Sgt": "sergeant",
    "Cpl": "corporal",
    "Pvt": "private",
    "Cmdr": "commander",
    "Adm": "admiral",
    "Rev": "reverend",
    "Revd": "reverend",
    "Hon": "honorable",
    "Gov": "governor",
    "Sen": "senator",
    "Rep": "representative",
    "Pres": "president",
    "Supt": "superintendent",
    "Insp": "inspector",
    "Mt": "mount",
    "Ft": "fort",
    "Wm": "William",
    "Thos": "Thomas",
    "Chas": "Charles",
    "Geo": "George",
    "Jas": "James",
    "Jos": "Joseph",
    "Benj": "Benjamin",
}
_WITHOUT_STOP = frozenset(words("Mr Mrs Ms Messrs Mme Mlle Prof"))

_COUNTED = {  # before numbers and numerals
    "No": "number",
    "no": "number",
    "Nos": "numbers",
    "nos": "numbers",
    "Nr": "number",
    "Vol": "volume",
    "vol": "volume",
    "Vols": "volumes",
    "vols": "volumes",
    "p": "page",
    "P": "page",
    "pp": "pages",
    "Fig": "figure",
    "fig": "figure",
    "Figs": "figures",
    "figs": "figures",
    "Ch": "chapter",
    "ch": "chapter",
    "Chap": "chapter",
    "chap": "chapter",
    "Sec": "section",
    "sec": "section",
    "Eq": "equation",
    "eq": "equation",
    "Eqs": "equations",
    "Art": "article",
    "Op": "opus",
    "op": "opus",
    "Pl": "plate",
    "pl": "plate",
    "Pt": "part",
    "pt": "part",
    "Bk": "book",
    "bk": "book",
    "c": "circa",
    "ca": "circa",
    "Lat": "latitude",
    "lat": "latitude",
    "Long": "longitude",
    "v": "verse",
    "vv": "verses",
    "l": "line",
    "ll": "lines",
    "ver": "version",
    "Ver": "version",
    "Apt": "apartment",
    "approx": "approximately",
    "est": "estimated",
    "Ph": "phone",
    "Tel": "telephone",
    "tel": "telephone",
    "ext": "extension",
    "Ext": "extension",
}

_COUNTED_WITHOUT_STOP = frozenset(words("No Nos pp Fig Figs Vol"))
_ALSO_WORDS = frozenset(words("no art fig sec op pt est ver"))

_WORDS = {  # anywhere; a full stop is part of them
    "e.g.": "for example",
    "eg.": "for example",
    "i.e.": "that is",
    "ie.": "that is",
    "etc.": "etcetera",
    "&c.": "etcetera",
    "vs.": "versus",
    "viz.": "namely",
    "cf.": "compare",
    "al.": "al",
    "ibid.": "ibidem",
    "id.": "idem",
    "approx.": "approximately",
    "incl.": "including",
    "excl.": "excluding",
    "misc.": "miscellaneous",
    "ed.": "editor",
    "eds.": "editors",
    "trans.": "translator",
    "Inc.": "Incorporated",
    "Corp.": "Corporation",
    "Ltd.": "Limited",
    "Co.": "Company",
    "Bros.": "Brothers",
    "Dept.": "Department",
    "dept.": "department",
    "Univ.": "University",
    "Assn.": "Association",
    "Assoc.": "Associates",
    "Natl.": "National",
    "Intl.": "International",
    "Govt.": "Government",
    "govt.": "government",
    "Jr.": "Junior",
    "Sr.": "Senior",
    "Esq.": "Esquire",
    "Ave.": "Avenue",
    "Blvd.": "Boulevard",
    "Rd.": "Road",
    "Sq.": "Square",
    "Ln.": "Lane",
    "Hwy.": "Highway",
    "Pkwy.": "Parkway",
    "Jan.": "January",
    "Feb.": "February",
    "Apr.": "April",
    "Aug.": "August",
    "Sept.": "September",
    "Oct.": "October",
    "Nov.": "November",
    "Dec.": "December",
    "per cent.": "percent",
    "MSS.": "manuscripts",
    "a.k.a.": "also known as",
    "w.r.t.": "with respect to",
    "Ph.D.": "P.H.D",
    "Ph.D": "P.H.D",
    "M.Sc.": "M.S.C",
    "B.Sc.": "B.S.C",
    "Litt.D.": "Litt D",
}
_PLAIN = {  # written without full stops
    "vs": "versus",
    "eg": "for example",
    "etc": "etcetera",
    "a.k.a": "also known as",
    "aka": "also known as",
    "w/o": "without",
    "w/": "with",
    "WWI": "World War One",
    "WWII": "World War Two",
    "b/c": "because",
    "c/o": "care of",
    "n/a": "not applicable",
    "N/A": "not applicable",
    "and/or": "and or",
    "Jr": "Junior",
    "Sr": "Senior",
    "approx": "approximately",
    "i.e": "that is",
    "e.g": "for example",
}

_WORDS |= {short.capitalize(): said.capitalize() for short, said in _WORDS.items() if short[0].islower()}
_NEVER_LAST = frozenset(words("e.g. eg. i.e. ie. vs. viz. cf. w.r.t. ed. eds. trans."))

_SAINTS = frozenset(
    words(
        "Andrew Anne Anselm Anthony Augustine Barnabas Bartholomew Benedict Bernard Bridget Catherine Christopher Clair Clement Croix "
        "Cuthbert David Denis Dominic Dunstan Elmo Francis George Germain Giles Helena Helens Ignatius Ives James Jerome Joan Joe John "
        "Johns Joseph Jude Kitts Lawrence Louis Lucia Luke Margaret Mark Martin Mary Matthew Michael Moritz Nicholas Pancras Patrick Paul "
        "Peter Petersburg Pierre Sebastian Stephen Teresa Thomas Tropez Ursula Valentine Vincent Vitus"
    )
)
_NO_STREET = frozenset(
    words("The In At To Of On And From Near For By Mount Port Fort East West North South Lake Old San Big Upper Lower Sault Cape")
)


def _saint_or_street(match: re.Match[str]) -> str:
    before, after = word_before(match), word_after(match)
    if after in _SAINTS and before != "Wall":
        return "Saint"
    ordinal = re.search(r"\d(?:st|nd|rd|th)\s$", match.string[max(0, match.start() - 5) : match.start()])
    named = (before[:1].isupper() and before not in _NO_STREET) or ordinal
    follows = after[:1].isupper() and match.string[match.end() : match.end() + 1] in (" ", "\u00a0", "-")
    if named or not follows:
        return f"Street{full_stop(match)}"
    return "Saint"


def _doctor_or_drive(match: re.Match[str]) -> str:
    before, after = word_before(match), word_after(match)
    follows = after[:1].isupper() and match.string[match.end() : match.end() + 1].isspace()
    if not follows and before[:1].isupper() and before not in ("The", "A", "Dear", "Yes", "No", "Oh", "And", "But"):
        return f"Drive{full_stop(match)}"
    return "Doctor"


def _title(match: re.Match[str]) -> str | None:
    short = match["title"]
    return _TITLES[short].capitalize() if match["stop"] or short in _WITHOUT_STOP else None


def _counted(match: re.Match[str]) -> str | None:
    short = match["counted"]
    if short.lower() in _ALSO_WORDS and not re.match(r"\s?(?:[\d#]|[IVXLC]{2})", match.string[match.end() : match.end() + 3]):
        return None  # "No. I refuse."
    if not match["stop"] and short not in _COUNTED_WITHOUT_STOP:
        return None
    said = _COUNTED[short]
    return said.capitalize() if short[0].isupper() else said


def _any(shorts: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, shorts), key=len, reverse=True))


_NAME = r"(?=\s+(?:[A-Z“\"‘]|[a-z]’[A-Z]|(?:and|de|von|van|la|du|le|of) ))"
_AMOUNT = r"(?=\s?(?:\d|[IVXLCivxlc]+\b|#))"


def _stops(shorts: Iterable[str]) -> str:
    """The first full stop of any of these, where it stands behind what comes before it: quick to look for."""
    by_length: dict[int, set[str]] = {}
    for short in shorts:
        beginning = short.partition(".")[0]
        by_length.setdefault(len(beginning), set()).add(re.escape(beginning))
    behind = (rf"(?<=(?<!\w)(?:{'|'.join(sorted(beginnings))})\.)" for _, beginnings in sorted(by_length.items()))
    return rf"\.(?:{'|'.join(behind)})"


def _rule(pattern: str, speak: Speak, needs: str) -> Rule:
    return Rule(name="abbreviation", pattern=re.compile(pattern), speak=speak, needs=re.compile(needs))


RULES = (
    _rule(r"(?<![\w.])St(?:\.|(?=\s[A-Z]))(?!\w)", _saint_or_street, r"St[.\s]"),
    _rule(r"(?<![\w.])Dr(?:\.|(?=\s[A-Z]))(?!\w)", _doctor_or_drive, r"Dr[.\s]"),
    _rule(
        rf"(?<![\w.])(?P<title>{_any(_TITLES)})(?P<stop>\.(?!\w))?{_NAME}",
        _title,
        "|".join((_stops(_TITLES), *(rf"{title}\s" for title in sorted(_WITHOUT_STOP)))),
    ),
    _rule(
        rf"(?<![\w.'’-])(?P<counted>{_any(_COUNTED)})(?P<stop>\.)?{_AMOUNT}",
        _counted,
        rf"(?:\.|{'|'.join(sorted(_COUNTED_WITHOUT_STOP))}){_AMOUNT}",
    ),
    _rule(
        rf"(?<![\w.'’])(?:{_any(_WORDS)})(?!\w)",
        lambda match: _WORDS[match.group()] + ("" if match.group().lower() in _NEVER_LAST else full_stop(match)),
        _stops(_WORDS),
    ),
    _rule(
        rf"(?<![\w.'’/&-])(?:{_any(_PLAIN)})(?![\w.’'&/-])|(?<![\w/])w/(?=\s?\w)",
        lambda match: _PLAIN[match.group()],
        rf"/|{_stops(short for short in _PLAIN if '.' in short)}|{_any({short for short in _PLAIN if short.isalpha()})}",
    ),
    _rule(r"(?<=[A-Z][a-z]{2} )v\.(?= [A-Z])|(?<=[a-z]{2} )v\.(?= [A-Z])", lambda _: "versus", r"v\. [A-Z]"),
    _rule(
        r"(?<![\w.])MRS?\.?(?=\s[A-Z])",
        lambda match: {"MR": "Mister", "MRS": "Missus"}.get(match.group().rstrip(".")),
        r"MRS?[.\s]",
    ),
)
