"""Pictures, formulas and furigana: the words in which they can be heard."""

from __future__ import annotations

import itertools
import re
import unicodedata

from lxml import etree

from loa.reading import names

LONGEST = 1_500  # characters of a description; what is longer is a transcript of the picture
_FEWEST_WORDS = 3
_NEAR = 50  # elements within which a figure has its caption, and pieces of text in it
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?)", re.IGNORECASE)
_EMPTY_WORDS = re.compile(
    r"(?:the |an? )?(?:(?:book |front |back |title )?(?:cover|page|logo)|image|picture|photo(?:graph)?|figure|illustration|graphic|icon"
    r"|decoration|ornament|divider|separator|spacer|line|rule|scene break|section break|drop cap|publisher'?s logo|frontispiece"
    r"|hình(?: ảnh| minh họa)?|ảnh|bìa(?: sách)?|minh họa|logo|biểu tượng)(?:\s*(?:image|page|art|of the book|[\d.:-]+))*",
    re.IGNORECASE,
)


def description(picture: etree._Element) -> str:
    """What its alternative text says about a picture, as a sentence; "" where that carries no meaning.

    A file name, "image" or "cover" says nothing, nor do one or two words that name no scene. A caption beside the picture is text of its
    own and is not repeated.
    """
    if picture.get("role", "").lower() in ("presentation", "none", "doc-cover"):
        return ""
    text = " ".join((picture.get("alt") or "").split())
    bare = text.strip(" .:;-–—*[]()")
    if not bare or len(text) > LONGEST or len(bare.split()) < _FEWEST_WORDS or _FILE_NAME.fullmatch(bare) or _EMPTY_WORDS.fullmatch(bare):
        return ""
    if _fold(bare) in _fold(_caption(picture)):
        return ""
    return text if text[-1] in '.!?…"”’»)' else f"{text}."


def letter(picture: etree._Element) -> str:
    """The letter that a picture stands for at the beginning of a chapter, or within a word; else ""."""
    text = (picture.get("alt") or "").strip()
    return text if len(unicodedata.normalize("NFC", text)) == 1 and text.isalpha() else ""


def formula(element: etree._Element) -> str:
    """The words for a formula of MathML, if it brings any."""
    return " ".join((element.get("alttext") or "").split())


def reading(ruby: etree._Element) -> str:
    """How annotated characters are read aloud: Chữ Hán by their Latin annotation; all others by themselves."""
    base: list[str] = []
    above: list[str] = []
    inside = ""
    for event, element in etree.iterwalk(ruby, events=("start", "end")):
        name = names.local(element)
        if name in ("rt", "rp", "rtc"):
            inside = name if event == "start" else ""
        if event == "start" and element.text:
            (above if inside == "rt" else base if not inside else []).append(element.text)
        elif event == "end" and element is not ruby and element.tail and not inside:
            base.append(element.tail)
    return " ".join(" ".join(above).split()) if _is_latin(above) and not _is_latin(base) else "".join(base)


def _caption(picture: etree._Element) -> str:
    figure = next(picture.iterancestors("{*}figure", "figure"), None)
    if figure is None:
        return ""
    caption = next((element for element in itertools.islice(figure.iter(), _NEAR) if names.local(element) == "figcaption"), None)
    return "" if caption is None else "".join(itertools.islice(caption.itertext(), _NEAR))[:LONGEST]


def _fold(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _is_latin(pieces: list[str]) -> bool:
    return any("LATIN" in unicodedata.name(character, "") for piece in pieces for character in piece if character.isalpha())
