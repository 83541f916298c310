"""Names made of letters and figures: Nghị định 100/2019/NĐ-CP, QH14, QL1A, 51F-123.45, A4, U23, 5G, COVID-19, 2PN."""

from __future__ import annotations

import re
import unicodedata

from loa.saying.said import Rule
from loa.saying.vietnamese.acronyms import READ
from loa.saying.vietnamese.letters import readable, spelled
from loa.saying.vietnamese.numbers import cardinal, digits
from loa.saying.vietnamese.numerals import integer
from loa.saying.vietnamese.surroundings import cue, following, preceded

# The signs of legal documents, and who issued them.
_SIGNS = {
    "NĐ": "nghị định", "CP": "chính phủ", "TT": "thông tư", "TTLT": "thông tư liên tịch", "QĐ": "quyết định", "TTg": "thủ tướng",
    "NQ": "nghị quyết", "CT": "chỉ thị", "KH": "kế hoạch", "TB": "thông báo", "HD": "hướng dẫn", "KL": "kết luận", "CĐ": "công điện",
    "BC": "báo cáo", "TTr": "tờ trình", "VBHN": "văn bản hợp nhất", "PL": "pháp lệnh", "L": "luật", "CTN": "chủ tịch nước",
    "TW": "trung ương", "TƯ": "trung ương", "QH": "quốc hội", "UBTVQH": "ủy ban thường vụ quốc hội", "UBND": "ủy ban nhân dân",
    "HĐND": "hội đồng nhân dân", "VPCP": "văn phòng chính phủ", "TANDTC": "tòa án nhân dân tối cao", "HĐTP": "hội đồng thẩm phán",
    "NHNN": "ngân hàng nhà nước", "BTC": "bộ tài chính", "BYT": "bộ y tế", "BGDĐT": "bộ giáo dục và đào tạo", "BCA": "bộ công an",
    "BQP": "bộ quốc phòng", "BTP": "bộ tư pháp", "BNV": "bộ nội vụ", "BXD": "bộ xây dựng", "BCT": "bộ công thương",
    "BGTVT": "bộ giao thông vận tải", "BTNMT": "bộ tài nguyên và môi trường", "BKHĐT": "bộ kế hoạch và đầu tư",
    "BKHCN": "bộ khoa học và công nghệ", "BTTTT": "bộ thông tin và truyền thông", "BNNPTNT": "bộ nông nghiệp và phát triển nông thôn",
    "BVHTTDL": "bộ văn hóa, thể thao và du lịch", "BLĐTBXH": "bộ lao động, thương binh và xã hội", "BNG": "bộ ngoại giao",
}  # fmt: skip
_SIGN = "|".join(sorted(_SIGNS, key=len, reverse=True))
_KNOWN = re.compile(rf"(?P<sign>{_SIGN})(?P<session>\d{{0,2}})")
_ANNOUNCED = {sign: cue(_SIGNS[sign], within=2) for sign in ("NĐ", "TT", "TTLT", "QĐ", "NQ", "CT")}
_KIND = re.compile(rf"(?P<sign>{'|'.join(_ANNOUNCED)})[-/](?=[A-ZĐ])")
_SCREEN, _INCHES = cue("tivi|ti vi|TV|phim|video|màn hình|phân giải|quay", within=1), re.compile(r" (?:\d\d inch|UHD|HDR)")
_ROADS = {"QL": "quốc lộ", "TL": "tỉnh lộ", "ĐT": "đường tỉnh", "DT": "đường tỉnh", "CT": "cao tốc", "ĐH": "đường huyện", "HL": "hương lộ"}
_ROOMS = {"PN": "phòng ngủ", "WC": "nhà vệ sinh", "N": "ngày", "Đ": "đêm"}


def _legal(match: re.Match[str]) -> str:
    """The number, "năm" and the year, and what the signs stand for, as a newsreader says them: strokes are not read out."""
    words = [integer(match["number"])]
    if match["year"]:
        words.append(f"năm {cardinal(int(match['year']))}")
    signs = match["signs"]
    if (kind := _KIND.match(signs)) and preceded(match, _ANNOUNCED[kind["sign"]]):
        words.append("của")  # "Nghị định 100/2019/NĐ-CP" has said already what it is
        signs = signs[kind.end() :]
    for part in re.findall(r"[^\W_]+", signs):
        if known := _KNOWN.fullmatch(part):
            words.append(_SIGNS[known["sign"]] + (f" khóa {cardinal(int(known['session']))}" if known["session"] else ""))
        else:
            words.append(_code_words(part))
    return " ".join(words)


def _assembly(match: re.Match[str]) -> str:
    return f"quốc hội khóa {cardinal(int(match['number']))}"


def _road(match: re.Match[str]) -> str:
    return f"{_ROADS[match['road']]} {cardinal(int(match['number']))}{' ' + spelled(match['letter']) if match['letter'] else ''}"


def _plate(match: re.Match[str]) -> str:
    return f"{digits(match['place'])} {_code_words(match['series'])}, {' '.join(digits(part) for part in match['number'].split('.'))}"


def _rooms(match: re.Match[str]) -> str:
    return " ".join(f"{cardinal(int(count))} {_ROOMS[what]}" for count, what in re.findall(r"(\d+)([^\W\d]+)", match.group()))


def _code(match: re.Match[str]) -> str:
    return _code_words(match.group())


def _resolution(match: re.Match[str]) -> str | None:
    return _code_words(match.group()) if preceded(match, _SCREEN) or _INCHES.match(following(match)) else None


def _code_words(code: str) -> str:
    """Letters by name, or as a word where they make one; up to three figures as a number."""
    words = []
    for letters, figures in re.findall(r"([^\W\d_]+)|(\d+)|\.", code):
        if figures:
            words.append(integer(figures) if len(figures) < 4 else digits(figures))
        elif not letters:
            words.append("chấm")
        elif letters.upper() in READ:
            words.append(READ[letters.upper()])
        else:
            words.append(letters if len(letters) > 2 and (not letters.isupper() or readable(letters)) else spelled(letters))
    return " ".join(words)


def _formula(match: re.Match[str]) -> str:
    """H₂O: letters and figures one after the other."""
    plain = unicodedata.normalize("NFKC", match.group())
    return " ".join(integer(part) if part.isdigit() else spelled(part) for part in re.findall(r"\d+|\D+", plain))


def _hexadecimal(match: re.Match[str]) -> str:
    """0x378 is "không ích ba bảy tám"."""
    return " ".join(digits(character) if character.isdigit() else spelled(character) for character in match.group())


LAW = (
    Rule(
        name="law",
        pattern=re.compile(
            rf"(?<![\w/.,])(?P<number>\d{{1,5}})(?:/(?P<year>[12]\d{{3}}))?[/\-](?P<signs>(?:{_SIGN})\d{{0,2}}(?![^\W_])(?:[/\-&][A-ZĐƯa-z]{{1,9}}\d{{0,2}}(?![^\W_])){{0,4}})"
        ),
        speak=_legal,
    ),
    Rule(name="law", pattern=re.compile(r"(?<![\w.])QH(?P<number>\d{1,2})(?!\w)"), speak=_assembly),
)
FORMULA = Rule(name="formula", pattern=re.compile(r"(?<!\w)(?=[A-Za-z]*[₀-₉])(?:[A-Z][a-z]?[₀-₉]{0,3}){1,8}(?!\w)"), speak=_formula)
HEXADECIMAL = Rule(name="code", pattern=re.compile(r"(?<!\w)0x[0-9A-Fa-f]{1,16}(?!\w)"), speak=_hexadecimal)
# Before money, whose K is a thousand.
RESOLUTION = Rule(name="code", pattern=re.compile(r"(?<![\w.,])[248]K(?!\w)"), speak=_resolution)
# After ranges: the dash inside a name, Sputnik-5.
JOINED = Rule(name="code", pattern=re.compile(r"(?<=[^\W\d_])-(?=\d)|(?<=\d)-(?=[^\W\d_])"), speak=lambda _: " ")

RULES = (
    Rule(
        name="road",
        pattern=re.compile(r"(?<![\w.])(?P<road>QL|TL|ĐT|DT|CT|ĐH|HL)[. \-]?(?P<number>\d{1,4})(?P<letter>[A-Z]?)(?!\w)"),
        speak=_road,
    ),
    Rule(
        name="plate",
        pattern=re.compile(r"(?<![\w.])(?P<place>\d\d)(?P<series>[A-ZĐ]{1,2}\d?)[\- ](?P<number>\d{3}\.?\d{2}|\d{4})(?![\w])(?![.,]\d)"),
        speak=_plate,
    ),
    Rule(name="code", pattern=re.compile(r"(?<![\w.,])(?:\d{1,2}N\d{1,2}Đ|\d{1,2}(?:PN|WC))(?!\w)"), speak=_rooms),
    Rule(
        name="code",
        pattern=re.compile(
            r"(?<![^\W_])(?<![.,]\d)(?:[A-Z]{2,6}-\d{1,5}-\d{1,4}|[A-ZĐƯÔ]{1,6}-?\d{1,12}(?:[A-ZĐ]{1,3}\d{0,4}|\.\d{1,2})?|\d{1,4}[A-ZĐƯÔ]{1,3}(?:\d{1,4})?)(?![^\W_])(?![.,]\d)"
        ),
        speak=_code,
    ),
)
