"""Measures: 60 km/h, 25°C, 68m2, 3,5%, 1m75, 10x15cm, 80 mg/100 ml, đồng/kg, lần/ngày."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import cardinal
from loa.saying.vietnamese.numerals import NUMBER, SIGN, number

_PREFIXES = {"": "", "k": "ki lô ", "M": "mê ga ", "G": "ghi ga ", "T": "tê ra "}


def _scaled(sign: str, name: str, prefixes: str) -> dict[str, str]:
    return {prefix + sign: _PREFIXES[prefix] + name for prefix in prefixes}


_LENGTHS = {"km": "ki lô mét", "hm": "héc tô mét", "dm": "đề xi mét", "cm": "xăng ti mét", "mm": "mi li mét", "nm": "na nô mét", "m": "mét"}
_LENGTHS |= {"µm": "mi crô mét", "μm": "mi crô mét", "KM": "ki lô mét", "Km": "ki lô mét", "CM": "xăng ti mét"}
_SQUARES = {length + two: f"{name} vuông" for length, name in _LENGTHS.items() for two in ("²", "2")}
_CUBES = {length + three: f"{name} khối" for length, name in _LENGTHS.items() for three in ("³", "3")}
_WATTS = _scaled("W", "oát", "kMGT") | {"KW": "ki lô oát", "kw": "ki lô oát", "mW": "mi li oát"}
UNITS = {
    **_LENGTHS, **_SQUARES, **_CUBES, **_WATTS, "M2": "mét vuông", "M3": "mét khối",
    **{f"{watts}{suffix}": f"{name} {words}" for watts, name in _WATTS.items() for suffix, words in (("h", "giờ"), ("p", "đỉnh"))},
    "Wh": "oát giờ", "kwh": "ki lô oát giờ", "Kwh": "ki lô oát giờ", "KWH": "ki lô oát giờ", "W": "oát",
    "ha": "héc ta", "Ha": "héc ta", "HA": "héc ta", "l": "lít", "L": "lít", "dl": "đề xi lít", "cl": "xăng ti lít", "ml": "mi li lít",
    "mL": "mi li lít", "ML": "mi li lít", "cc": "xê xê", "kg": "ki lô gam", "Kg": "ki lô gam", "KG": "ki lô gam", "g": "gam", "gr": "gam",
    "mg": "mi li gam", "µg": "mi crô gam", "μg": "mi crô gam", "mcg": "mi crô gam", "lb": "pao", "oz": "ao xơ", "ft": "phít",
    "mph": "dặm trên giờ", "kph": "ki lô mét trên giờ", "kn": "hải lý trên giờ",
    "V": "vôn", "kV": "ki lô vôn", "KV": "ki lô vôn", "kVA": "ki lô vôn am pe", "MVA": "mê ga vôn am pe", "mA": "mi li am pe",
    "mAh": "mi li am pe giờ", "Ah": "am pe giờ", "Ω": "ôm", "kΩ": "ki lô ôm",
    **_scaled("Hz", "héc", "kMGT"), "Hz": "héc", "KHz": "ki lô héc", "Mhz": "mê ga héc", "Ghz": "ghi ga héc",
    **_scaled("B", "bai", "kMGT"), "KB": "ki lô bai", "Gb": "ghi ga bít", "Mb": "mê ga bít", "PB": "pê ta bai",
    "kbps": "ki lô bít trên giây", "Kbps": "ki lô bít trên giây", "Mbps": "mê ga bít trên giây", "Gbps": "ghi ga bít trên giây",
    "MB/s": "mê ga bai trên giây", "GB/s": "ghi ga bai trên giây", "MP": "mê ga pích xeo", "Mpx": "mê ga pích xeo",
    "cal": "ca lo", "kcal": "ki lô ca lo", "Kcal": "ki lô ca lo", "kJ": "ki lô jun", "J": "jun", "Pa": "pát xcan",
    "kPa": "ki lô pát xcan", "hPa": "héc tô pát xcan", "MPa": "mê ga pát xcan", "mmHg": "mi li mét thủy ngân", "atm": "át mốt phe",
    "dB": "đề xi ben", "ppm": "phần triệu", "rpm": "vòng trên phút", "mol": "mon", "mmol": "mi li mon",
    "s": "giây", "ms": "mi li giây", "h": "giờ",
    "°C": "độ xê", "ºC": "độ xê", "℃": "độ xê", "°F": "độ ép", "ºF": "độ ép", "℉": "độ ép", "°K": "độ ca", "°": "độ", "º": "độ",
    "%": "phần trăm", "‰": "phần nghìn", "'": "phút", "′": "phút", "p": "phút",
}  # fmt: skip
# What stands behind a stroke and is no unit: lần/ngày, đồng/kg.
_NOUNS = (
    "giây|phút|giờ|ngày|đêm|tuần|tháng|quý|năm|người|lần|lượt|câu|chiếc|cái|con|tấn|tạ|yến|lít|lượng|chỉ|hộ|suất|vé|buổi|khách|bộ|cây|hộp|gói|chai|túi|"
    "quả|trái|cuốn|quyển|tờ|trang|trận|tiết|phòng|căn|thùng|bài|kíp|ca|xe|ounce|em|cháu|lớp|tín chỉ|nhân khẩu|đầu người|học sinh|sinh viên|"
    "cổ phiếu|cổ phần"
)
_ALONE = (
    "km/h", "m/s", "km²", "km2", "m²", "m2", "m³", "m3", "cm²", "cm³", "kWh", "kwh", "MWh", "kW", "MW", "km", "cm", "mm", "kg", "mg",
    "ml", "°C", "°F", "℃", "‰", "%", "mmHg", "µg", "GHz", "MHz", "Mbps", "kcal",
)  # fmt: skip


def _any(names: object) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))  # type: ignore[call-overload]


_UNIT = _any(set(UNITS))
_NOUN = _any((*_NOUNS.split("|"), "km²", "km2", "m²", "m2", "m³", "m3", "kg", "kWh", "km", "ha", "ml", "l", "g", "Wh"))
_OVER = rf"(?:\s?/\s?(?P<amount>{NUMBER})?\s?(?P<over>(?:{_UNIT}|lít|giờ|giây|phút|mét)(?![\w]))(?!\s?/))?"


def _measure(match: re.Match[str]) -> str | None:
    if match["unit"] == "'" and match.string[match.start() - 1 : match.start()] == "'":
        return None  # a quotation
    over = ""
    if match["over"]:
        amount = f"{number(match['amount'], point='phẩy')} " if match["amount"] else ""
        over = f" trên {amount}{UNITS.get(match['over'], match['over'])}"
    words = number(match["number"], point="phẩy")
    for factor in re.findall(rf"[x×]\s?({NUMBER})", match["sides"] or ""):
        words += f" nhân {number(factor, point='phẩy')}"
    return f"{words} {UNITS[match['unit']]}{over}"


def _height(match: re.Match[str]) -> str:
    """1m75 is one metre seventy-five, 1m7 is one metre seven; 3kg5 is three kilograms and a half."""
    rest = match["rest"]
    more = "rưỡi" if rest == "5" and match["unit"] != "m" else cardinal(int(rest))
    return f"{cardinal(int(match['whole']))} {UNITS[match['unit']]} {more}"


def _alone(match: re.Match[str]) -> str:
    head, _, over = match.group().partition("/")
    return UNITS[head] + (f" trên {UNITS[over]}" if over else "")


def _per(match: re.Match[str]) -> str:
    amount, what = match["amount"], match["what"]
    return f" {'trên ' + number(amount, point='phẩy') if amount else 'một'} {UNITS.get(what, what)}"


RULES = (
    Rule(
        name="measure",
        pattern=re.compile(r"(?<![\w.,])(?P<whole>\d{1,3})(?P<unit>m|kg)(?P<rest>\d{1,2})(?![\w²³])(?!\d)(?<!m[23])"),
        speak=_height,
    ),
    Rule(
        name="measure",
        pattern=re.compile(
            rf"(?P<number>{SIGN}{NUMBER})(?P<sides>(?:\s?[x×]\s?{NUMBER}){{1,3}})?\s?(?:(?P<unit>{_UNIT})(?![\w²³]))(?<!\s['′ps])(?<!\d{{4}}s){_OVER}"
        ),
        speak=_measure,
    ),
    Rule(name="measure", pattern=re.compile(r"(?<!\w)[Kk][Mm](?=\s?\d)"), speak=lambda _: UNITS["km"]),
    Rule(name="mathematics", pattern=re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), speak=lambda _: " nhân "),
)
# Without a number: "tính bằng m²", "đồng/kg".
ALONE = (
    Rule(name="measure", pattern=re.compile(rf"(?<![\w/.])(?:{_any(_ALONE)})(?![\w²³/])"), speak=_alone),
    Rule(
        name="measure",
        pattern=re.compile(rf"(?<=[\w%₫)])/(?P<amount>{NUMBER})?\s?(?P<what>(?:{_NOUN})(?!\w))"),
        speak=_per,
        needs=re.compile("/"),
    ),
)
