"""Names in trees of markup, whatever their namespace and case."""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

TYPE = "{http://www.idpf.org/2007/ops}type"  # epub:type
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"  # xml:lang
LINK = "{http://www.w3.org/1999/xlink}href"  # xlink:href

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def local(element: etree._Element) -> str:
    """The name of an element in small letters, without its namespace; "" for what is not an element."""
    tag = element.tag
    return _local(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=1_024)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def fit(text: str) -> str:
    """Text without the characters that no XML document may hold."""
    return _UNFIT.sub("", text)
