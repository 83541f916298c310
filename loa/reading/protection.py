"""Books that only certain programs may open: which protection it is, in words."""

from __future__ import annotations

from collections.abc import Collection

from loa.errors import EncryptedDocument
from loa.reading import xml
from loa.reading.archive import Archive
from loa.reading.contents import resolve
from loa.reading.limits import Limits

ENCRYPTION = "META-INF/encryption.xml"
OBFUSCATED_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # algorithms that hide fonts, and no text
_SCHEMES = (
    ("META-INF/rights.xml", "Adobe's DRM"),
    ("META-INF/license.lcpl", "Readium LCP"),
    ("META-INF/sinf.xml", "Apple's FairPlay"),
)


def check(archive: Archive, texts: Collection[str], limits: Limits) -> None:
    """Raises EncryptedDocument for a book whose `texts`, paths in the archive, are encrypted, or that brings the rights to decrypt them."""
    scheme = next((words for path, words in _SCHEMES if archive.find(path) is not None), None)
    if (scheme is not None and archive.find("META-INF/rights.xml") is not None) or _encrypts(archive, texts, limits):
        raise EncryptedDocument(f"the book is protected by {scheme or 'DRM'} and can be read only by programs of the shop that sold it")


def _encrypts(archive: Archive, texts: Collection[str], limits: Limits) -> bool:
    if (path := archive.find(ENCRYPTION)) is None:
        return False
    for data in xml.parse(archive.read(path), limits).iter("{*}EncryptedData", "EncryptedData"):
        method = next((element.get("Algorithm") for element in data.iter("{*}EncryptionMethod", "EncryptionMethod")), "")
        if method in OBFUSCATED_FONTS:
            continue
        for reference in data.iter("{*}CipherReference", "CipherReference"):
            if archive.find(resolve("", reference.get("URI", ""))[0]) in texts:
                return True
    return False
