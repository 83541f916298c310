"""One spelling for words that are written in two ways and sound the same: hoà and hòa, uỷ and ủy, qúy and quý.

The mark of the tone is put on the first vowel of an open oa, oe, uy, as most books and newspapers print it; voices have seen that one most.
"""

from __future__ import annotations

import re
import unicodedata

from loa.saying.said import Rule

_TONES = "\u0300\u0301\u0303\u0309\u0323"


def _moved(match: re.Match[str]) -> str:
    """The tone of the second vowel, on the first."""
    first, second = match.group()
    bare, tone = unicodedata.normalize("NFD", second)
    return unicodedata.normalize("NFC", first + tone) + bare


def _forward(match: re.Match[str]) -> str:
    """qúy: "qu" is one consonant, so its u has no tone."""
    bare, tone = unicodedata.normalize("NFD", match["u"])
    return bare + unicodedata.normalize("NFC", match["vowel"][0] + tone) + match["vowel"][1:]


RULES = (
    Rule(
        name="spelling",
        pattern=re.compile(r"(?<![qQ])(?<![aeoăâêôơưAEO])(?:[oO][àáãảạèéẽẻẹÀÁÃẢẠÈÉẼẺẸ]|[uU][ỳýỹỷỵỲÝỸỶỴ])(?![^\W\d_])"),
        speak=_moved,
        needs=re.compile(r"[oOuU][àáãảạèéẽẻẹÀÁÃẢẠÈÉẼẺẸỳýỹỷỵỲÝỸỶỴ]"),
    ),
    Rule(
        name="spelling",
        pattern=re.compile(r"(?<=[qQ])(?P<u>[ùúũủụÙÚŨỦỤ])(?P<vowel>[aeiyâêAEIYÂÊ])"),
        speak=_forward,
        needs=re.compile("[qQ][ùúũủụÙÚŨỦỤ]"),
    ),
    Rule(name="spelling", pattern=re.compile("[ðÐ]"), speak=lambda match: "đ" if match.group() == "ð" else "Đ"),
)
