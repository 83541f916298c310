"""Signs: mathematics, & @ # §, raised and lowered figures, Greek letters, arrows, a stroke between words."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from loa.saying.said import Rule, Speak
from loa.saying.vietnamese.numbers import LARGEST, cardinal
from loa.saying.vietnamese.numerals import integer

SIGNS = {
    "&": "và", "+": "cộng", "=": "bằng", "×": "nhân", "÷": "chia", "−": "trừ", "±": "cộng trừ", "<": "nhỏ hơn", ">": "lớn hơn",
    "≤": "nhỏ hơn hoặc bằng", "≥": "lớn hơn hoặc bằng", "≠": "khác", "≈": "xấp xỉ", "≡": "đồng nhất với", "√": "căn bậc hai của",
    "∞": "vô cùng", "∑": "tổng", "∏": "tích", "∫": "tích phân", "∂": "đạo hàm riêng", "∈": "thuộc", "∉": "không thuộc",
    "⊂": "là tập con của", "∪": "hợp", "∩": "giao", "∅": "tập rỗng", "∀": "với mọi", "∃": "tồn tại", "⇒": "suy ra", "⇔": "tương đương",
    "→": "đến", "←": "từ", "↔": "hai chiều", "↑": "tăng", "↓": "giảm", "%": "phần trăm", "‰": "phần nghìn", "°": "độ", "º": "độ",
    "@": "a còng", "#": "thăng", "$": "đô la", "€": "ơ rô", "£": "bảng", "¥": "yên", "₫": "đồng", "§": "mục", "©": "bản quyền",
    "®": "đã đăng ký", "™": "thương hiệu", "№": "số", "∆": "đen ta", "℃": "độ xê", "℉": "độ ép", "Ω": "ôm", "µ": "mi crô", "=>": "suy ra",
    "->": "đến", "<-": "từ", "<=": "nhỏ hơn hoặc bằng", ">=": "lớn hơn hoặc bằng", "!=": "khác", "==": "bằng", "¢": "xu", "₿": "bít coin",
    "₩": "uôn", "^": "mũ", "≃": "xấp xỉ", "∝": "tỉ lệ với", "⊥": "vuông góc với", "∥": "song song với", "∠": "góc",
}  # fmt: skip
_GREEK = {
    "α": "an pha", "β": "bê ta", "γ": "gam ma", "δ": "đen ta", "ε": "ép xi lon", "ζ": "dê ta", "η": "ê ta", "θ": "thê ta", "ι": "i ô ta",
    "κ": "cáp pa", "λ": "lam đa", "μ": "muy", "ν": "nuy", "ξ": "xi", "ο": "ô mi crôn", "π": "pi", "ρ": "rô", "σ": "xích ma", "τ": "tô",
    "υ": "úp xi lon", "φ": "phi", "χ": "khi", "ψ": "pờ xi", "ω": "ô mê ga",
}  # fmt: skip
_GREEK |= {letter.upper(): name for letter, name in _GREEK.items()} | {"ς": "xích ma", "\u03f5": "ép xi lon"}
_POWERS = {2: "bình phương", 3: "lập phương"}
_RAISED = "⁰¹²³⁴-⁹"


def _sign(match: re.Match[str]) -> str:
    return SIGNS[match.group()]


def _greek(match: re.Match[str]) -> str:
    return " ".join(_GREEK[letter] for letter in match.group())


def _power(match: re.Match[str]) -> str:
    exponent = int(unicodedata.normalize("NFKC", match["figures"]))
    if not match["sign"] and match.string[match.start() - 1 : match.start()].isalpha() and exponent in _POWERS:
        return _POWERS[exponent]
    return f"mũ {'âm ' if match['sign'] else ''}{integer(str(exponent))}"


def _figure(match: re.Match[str]) -> str | None:
    """A figure in a circle, lowered, or of a script that writes its own; not one of Chinese writing, which is a letter."""
    value = unicodedata.numeric(match.group(), -1.0)
    if unicodedata.category(match.group()) == "Lo" or not 0 <= value < LARGEST:
        return None
    part = Fraction(value).limit_denominator(1000)
    return cardinal(part.numerator) + (f" phần {cardinal(part.denominator)}" if part.denominator > 1 else "")


# Where characters stand that mean a number and are no figures of `\d`.
_FIGURES = "²³¹¼-¾৴-↉①-⓿❶-➓⳽〇-㊿\U00010000-\U0001ffff"


def _rule(name: str, pattern: str, speak: Speak, needs: str | None = None) -> Rule:
    return Rule(name=name, pattern=re.compile(pattern), speak=speak, needs=re.compile(needs) if needs else None)


RULES = (
    _rule("mathematics", rf"(?P<sign>⁻?)(?P<figures>[{_RAISED}]{{1,20}})", _power, f"[{_RAISED}]"),
    _rule("mathematics", r"\s?\*\s?(?=\d)(?<=\d\s\*\s)|(?<=\d)\*(?=\d)", lambda _: " nhân ", r"\*"),
    _rule("mathematics", r"(?<=\d) [:/] (?=\d)", lambda _: " chia ", r" [:/] \d"),
    _rule("letter", f"[{''.join(_GREEK)}]{{1,3}}(?![Ͱ-Ͽ])(?<![Ͱ-Ͽ]{{4}})", _greek),
    _rule("sign", r"(?<!\w)#(?=\d)", lambda _: "số ", "#"),
    _rule("sign", "|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))), _sign),
    _rule("stroke", r"(?<=[Vv]à)/(?=hoặc)", lambda _: " ", "/"),
    # Between words a stroke is a short pause: anh/chị.
    _rule("stroke", r"(?<=[^\W_])\s?/\s?(?=[^\W_])", lambda _: ", ", "/"),
    _rule("figures", f"[{_FIGURES}]", _figure),
)
