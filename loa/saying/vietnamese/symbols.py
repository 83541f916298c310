"""Signs: mathematics, & @ # §, raised and lowered figures, Greek letters, arrows, a stroke between words."""

from __future__ import annotations

import re
import unicodedata

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import cardinal
from loa.saying.vietnamese.numerals import integer

SIGNS = {
    "&": "và", "+": "cộng", "=": "bằng", "×": "nhân", "÷": "chia", "−": "trừ", "±": "cộng trừ", "<": "nhỏ hơn", ">": "lớn hơn", "≤": "nhỏ hơn hoặc bằng",
    "≥": "lớn hơn hoặc bằng", "≠": "khác", "≈": "xấp xỉ", "≡": "đồng nhất với", "√": "căn bậc hai của", "∞": "vô cùng", "∑": "tổng", "∏": "tích",
    "∫": "tích phân", "∂": "đạo hàm riêng", "∈": "thuộc", "∉": "không thuộc", "⊂": "là tập con của", "∪": "hợp", "∩": "giao", "∅": "tập rỗng",
    "∀": "với mọi", "∃": "tồn tại", "⇒": "suy ra", "⇔": "tương đương", "→": "đến", "←": "từ", "↔": "hai chiều", "↑": "tăng", "↓": "giảm",
    "%": "phần trăm", "‰": "phần nghìn", "°": "độ", "º": "độ", "@": "a còng", "#": "thăng", "$": "đô la", "€": "ơ rô", "£": "bảng", "¥": "yên", "₫": "đồng",
    "§": "mục", "©": "bản quyền", "®": "đã đăng ký", "™": "thương hiệu", "№": "số", "∆": "đen ta", "℃": "độ xê", "℉": "độ ép", "Ω": "ôm", "µ": "mi crô",
    "¢": "xu", "₿": "bít coin", "₩": "uôn", "^": "mũ", "≃": "xấp xỉ", "∝": "tỉ lệ với", "⊥": "vuông góc với", "∥": "song song với", "∠": "góc",
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        "an pha,bê ta,gam ma,đen ta,ép xi lon,dê ta,ê ta,thê ta,i ô ta,cáp pa,lam đa,muy,nuy,xi,ô mi crôn,pi,rô,xích ma,tô,úp xi lon,phi,khi,pờ xi,ô mê ga".split(","),
        strict=True,
    )
)
_GREEK |= {letter.upper(): name for letter, name in _GREEK.items()} | {"ς": "xích ma", "\u03f5": "ép xi lon"}
_POWERS = {2: "bình phương", 3: "lập phương"}
_RAISED = "⁰¹²³⁴-⁹"


def _sign(match: re.Match[str]) -> str:
    return SIGNS[match.group().strip()].join("  ") if match.group() not in "√@#§©№" else SIGNS[match.group()] + " "


def _greek(match: re.Match[str]) -> str:
    return " ".join(_GREEK[letter] for letter in match.group())


def _power(match: re.Match[str]) -> str:
    exponent = int(unicodedata.normalize("NFKC", match["figures"]))
    if not match["sign"] and match.string[match.start() - 1 : match.start()].isalpha() and exponent in _POWERS:
        return f" {_POWERS[exponent]}"
    return f" mũ {'âm ' if match['sign'] else ''}{integer(str(exponent))}"


def _figure(match: re.Match[str]) -> str:
    """A figure in a circle, lowered, or of a script that writes its own."""
    value = unicodedata.numeric(match.group())
    return cardinal(int(value)) if value == int(value) >= 0 else ""


def _and_or(match: re.Match[str]) -> str:
    return " "


def _stroke(match: re.Match[str]) -> str:
    """Between words a stroke is a short pause: anh/chị."""
    return ", "


# Every character that means a number and is no figure of `\d` nor a sign of Chinese writing.
_FIGURES = "".join(
    chr(code) for code in range(0x80, 0x20000) if unicodedata.category(chr(code)) in ("No", "Nl") and unicodedata.numeric(chr(code), -1) >= 0
)

RULES = (
    Rule(name="mathematics", pattern=re.compile(rf"(?P<sign>⁻?)(?P<figures>[{_RAISED}]{{1,20}})"), speak=_power),
    Rule(name="mathematics", pattern=re.compile(r"\s?\*\s?(?=\d)(?<=\d\s\*\s)|(?<=\d)\*(?=\d)"), speak=lambda _: " nhân "),
    Rule(name="mathematics", pattern=re.compile(r"(?<=\d)\s?:\s?(?=\d)|(?<=\d )/(?= \d)"), speak=lambda _: " chia "),
    Rule(name="letter", pattern=re.compile(f"[{''.join(_GREEK)}]{{1,3}}(?![Ͱ-Ͽ])(?<![Ͱ-Ͽ]{{4}})"), speak=_greek),
    Rule(name="sign", pattern=re.compile(r"(?<!\w)#(?=\d)"), speak=lambda _: "số "),
    Rule(name="sign", pattern=re.compile(r"(?<!\w)#(?=[^\W\d_])"), speak=lambda _: "hát tắc "),
    Rule(name="sign", pattern=re.compile(r" ?[" + re.escape("".join(SIGNS)) + r"] ?"), speak=_sign),
    Rule(name="stroke", pattern=re.compile(r"(?<=[Vv]à)/(?=hoặc)"), speak=_and_or),
    Rule(name="stroke", pattern=re.compile(r"(?<=[^\W_])\s?/\s?(?=[^\W_])"), speak=_stroke),
    Rule(name="figures", pattern=re.compile(f"[{re.escape(_FIGURES)}]"), speak=_figure),
)
