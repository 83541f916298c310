"""Measures: "5 km/h", "20 m²", "−40 °F", "6'2\\"", "40°26′N", "a 10-km run", "5 × 7 in."."""

from __future__ import annotations

import re

from loa.saying.english.numbers import NUMBER, VULGAR, amount, is_one, mixed_number, vulgar
from loa.saying.english.sentence import full_stop
from loa.saying.said import Rule
from loa.saying.tables import words

_METRES = {"": "", "k": "kilo", "c": "centi", "m": "milli", "d": "deci", "µ": "micro", "μ": "micro", "n": "nano"}
_LARGE = {"": "", "k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta"}

# Symbol → singular and plural. Where "s" makes the plural, the singular is enough.
_UNITS: dict[str, str | tuple[str, str]] = {
    **{f"{sign}m": f"{prefix}meter" for sign, prefix in _METRES.items()},
    **{f"{sign}g": f"{prefix}gram" for sign, prefix in _METRES.items() if sign not in ("c", "d")},
    **{f"{sign}{litre}": f"{prefix}liter" for sign, prefix in _METRES.items() if sign not in ("k", "n") for litre in "lL"},
    **{f"{sign}W": f"{prefix}watt" for sign, prefix in _LARGE.items() if sign not in ("K", "P")},
    **{f"{sign}Wh": f"{prefix}watt-hour" for sign, prefix in _LARGE.items() if sign not in ("K", "P")},
    **{f"{sign}V": f"{prefix}volt" for sign, prefix in {"": "", "k": "kilo", "m": "milli"}.items()},
    **{f"{sign}Hz": (f"{prefix}hertz",) * 2 for sign, prefix in _LARGE.items() if sign not in ("K", "P")},
    **{f"{sign}B": f"{prefix}byte" for sign, prefix in _LARGE.items() if sign},
    **{f"{sign}iB": f"{prefix[:2]}bibyte" for sign, prefix in _LARGE.items() if sign},
    **{f"{sign}b": f"{prefix}bit" for sign, prefix in _LARGE.items() if sign in ("M", "G")},
    **{f"{sign}bps": (f"{prefix}bit per second", f"{prefix}bits per second") for sign, prefix in _LARGE.items()},
    **{f"{sign}Pa": f"{prefix}pascal" for sign, prefix in {**_LARGE, "h": "hecto"}.items() if sign not in ("K", "T", "P")},
    **{f"{sign}J": f"{prefix}joule" for sign, prefix in _LARGE.items() if sign in ("k", "M", "G")},
    "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "mpg": ("mile per gallon", "miles per gallon"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "fps": ("frame per second", "frames per second"),
    "bpm": ("beat per minute", "beats per minute"),
    "ppm": ("part per million", "parts per million"),
    "dpi": ("dot per inch", "dots per inch"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "ft": ("foot", "feet"),
    "in": ("inch", "inches"),
    "yd": "yard",
    "yds": "yard",
    "mi": "mile",
    "nmi": "nautical mile",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "gal": "gallon",
    "qt": "quart",
    "tsp": "teaspoon",
    "tbsp": "tablespoon",
    "ha": "hectare",
    "cwt": "hundredweight",
    "px": "pixel",
    "cal": "calorie",
    "kcal": "kilocalorie",
    "mA": "milliamp",
    "mAh": "milliamp-hour",
    "dB": "decibel",
    "Ω": "ohm",
    "kΩ": "kiloohm",
    "mol": "mole",
    "hp": ("horsepower", "horsepower"),
    "ms": "millisecond",
    "ns": "nanosecond",
    "µs": "microsecond",
    "μs": "microsecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
    "wk": "week",
    "wks": "week",
    "mo": "month",
    "mos": "month",
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "℃": ("degree Celsius", "degrees Celsius"),
    "℉": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°K": ("kelvin", "kelvins"),
    "°": "degree",
    "º": "degree",
    "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"),
}
_POWERS = {"²": "square", "2": "square", "³": "cubic", "3": "cubic"}
_LENGTHS = sorted(
    {symbol for symbol in _UNITS if symbol.endswith("m") and symbol[:-1] in _METRES} | {"ft", "in", "mi", "yd"}, key=len, reverse=True
)
_PER = words(
    "hour minute min second sec s h hr day week month year annum person capita night mile km gallon m liter litre l L dL ml mL g kg "
    "unit page head share barrel ton tonne acre pound lb oz ounce ft"
)  # fmt: skip
_WORDS = sorted((symbol for symbol in _UNITS if symbol != "in"), key=len, reverse=True)

_UNIT = (
    rf"(?:(?P<square>(?:sq|cu)\.?\s)(?P<measure>{'|'.join(_LENGTHS)}|miles?|feet|foot|inch(?:es)?)\b\.?"
    rf"|(?P<length>{'|'.join(_LENGTHS)})(?P<power>[²³]|[23](?![\d.,]*\d))"
    rf"|(?P<unit>{'|'.join(map(re.escape, _WORDS))})(?P<dot>(?<=ft|yd|mi|lb|oz|hr|in|qt)\.|(?<=lbs|yds|hrs|min|sec|gal|yrs)\.)?"
    r"|(?P<inch>in)(?P<inches>\.(?=\s*(?:[a-z,;:)]|$))))"
    rf"(?:/(?P<per>{'|'.join(sorted(_PER, key=len, reverse=True))})(?P<perpower>[²³])?)?(?![\w²³])"
)
_RANGE = rf"(?P<first>{NUMBER})(?:(?P<to>\s?(?:[-–—]|to|or|×|x|by)\s?)(?P<last>{NUMBER}))?"
_TO = {"x": "by", "×": "by", "by": "by", "or": "or"}


def _names(symbol: str) -> tuple[str, str]:
    names = _UNITS.get(symbol, symbol)
    return names if isinstance(names, tuple) else (names, f"{names}s")


_SPELLED = {
    "mile": ("mile", "miles"),
    "miles": ("mile", "miles"),
    "feet": _names("ft"),
    "foot": _names("ft"),
    "inch": _names("in"),
    "inches": _names("in"),
}


def _measure(match: re.Match[str]) -> str:
    first, last = match["first"], match["last"]
    one = is_one(first) and not last
    adjective = match["hyphen"] and (match["unit"] or match["length"] or "").isalpha()
    singular, plural, per = _unit(match)
    number = f"{amount(first)} {_TO.get(match['to'].strip(), 'to')} {amount(last)}" if last else amount(first)
    unit = singular if one or adjective else plural
    return f"{'minus ' if match['minus'] else ''}{number}{'-' if adjective else ' '}{unit}{per}{full_stop(match)}"


def _part(match: re.Match[str]) -> str:
    """ "½ km" → "half a kilometer", "2 3/4 in." → "two and three quarters inches"."""
    over, under = vulgar(match["fraction"]) if match["fraction"] else (int(match["over"]), int(match["under"]))
    singular, plural, per = _unit(match)
    said = mixed_number(match["whole"], over, under)
    if match["whole"]:
        said = f"{said} {plural}"
    else:
        said = f"{'half' if (over, under) == (1, 2) else f'{said} of'} {_article(singular)} {singular}"
    return f"{'minus ' if match['minus'] else ''}{said}{per}{full_stop(match)}"


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" or noun.startswith("hour") else "a"


def _unit(match: re.Match[str]) -> tuple[str, str, str]:
    """Of what _UNIT has matched: one, several, and what follows, such as " per hour"."""
    if match["square"]:
        singular, plural = _SPELLED.get(match["measure"]) or _names(match["measure"])
        power = "square " if match["square"].startswith("sq") else "cubic "
    elif match["length"]:
        singular, plural = _names(match["length"])
        power = f"{_POWERS[match['power']]} "
    else:
        singular, plural = _names(match["unit"] or match["inch"])
        power = ""
    if not (per := match["per"]):
        return power + singular, power + plural, ""
    squared = {"²": " squared", "³": " cubed"}.get(match["perpower"] or "", "")
    return power + singular, power + plural, f" per {_names(per)[0] if per in _UNITS else per}{squared}"


def _angle(match: re.Match[str]) -> str:
    """ "40°26′46″N" → "forty degrees twenty-six minutes forty-six seconds north"."""
    if not (match["minutes"] or match["side"]) and re.search(r"\b[Aa]n?\s$", match.string[: match.start()][-4:]):
        return f"{amount(match['degrees'])}-degree"  # "a 90° angle"
    said = _counted(match["degrees"], "degree")
    for figures, name in ((match["minutes"], "minute"), (match["seconds"], "second")):
        if figures:
            said += f" {_counted(figures, name)}"
    side = {"N": " north", "S": " south", "E": " east", "W": " west"}.get(match["side"] or "", "")
    return ("minus " if match["minus"] else "") + said + side


def _counted(figures: str, name: str) -> str:
    return f"{amount(figures)} {name}{'' if is_one(figures) else 's'}"


def _feet(match: re.Match[str]) -> str:
    """ "6'2\\"" → "six feet two inches"."""
    feet, inches = match["feet"], match["inches"]
    said = f"{amount(feet)} {'foot' if is_one(feet) else 'feet'}"
    return f"{said} {amount(inches)} {'inch' if is_one(inches) else 'inches'}" if inches else said


_START = r"(?<![\w.,])(?<!\w[-–—‑])(?P<minus>[-−](?=[\d.]))?"

RULES = (
    Rule(
        name="unit",
        pattern=re.compile(
            rf"(?<![\w.,/])(?<!\w[-–—‑])(?P<minus>[-−](?=[\d{VULGAR}]))?(?:(?P<whole>\d[\d,]*)[\s-]?)?"
            rf"(?:(?P<fraction>[{VULGAR}])|(?<!\d)(?P<over>[1-9])[/⁄](?P<under>[1-9]\d?))"
            rf"(?:\s|-(?=[A-Za-z])|(?!s\b)){_UNIT}"
        ),
        speak=_part,
    ),
    Rule(
        name="angle",
        pattern=re.compile(
            rf"{_START}(?P<degrees>{NUMBER})\s?°\s?(?:(?P<minutes>{NUMBER})\s?[′’']\s?(?:(?P<seconds>{NUMBER})\s?(?:[″”\"]|''|’’|′′))?)?\s?(?P<side>[NSEW])?(?!\w)"
        ),
        speak=_angle,
    ),
    Rule(
        name="unit",
        pattern=re.compile(
            r"(?<![\w.,])(?P<feet>\d{1,2})\s?(?:'|’|′|ft\.?)\s?(?P<inches>\d{1,2}(?:\.\d+)?)\s?(?:\"|”|″|''|’’|in\b\.?)(?!\w)"
        ),
        speak=_feet,
    ),
    Rule(name="unit", pattern=re.compile(r"(?<![\w.,])(?P<feet>\d+)′(?:(?P<inches>\d+)″)?(?!\w)"), speak=_feet),
    Rule(
        name="unit",
        pattern=re.compile(r"(?<![\w.,])(?P<first>\d+(?:\.\d+)?)″(?!\w)"),
        speak=lambda match: f"{amount(match['first'])} inch{'' if is_one(match['first']) else 'es'}",
    ),
    Rule(name="unit", pattern=re.compile(rf"{_START}{_RANGE}(?:\s|(?P<hyphen>-(?=[A-Za-z]))|(?!s\b)){_UNIT}"), speak=_measure),
)
