"""Files inside a ZIP archive (.epub, .docx), none of which is trusted.

Nothing is ever written to a disk, so names that lead elsewhere ("../../etc/passwd") lead nowhere. What an archive says about sizes is not
believed: bytes are counted while they are unpacked.
"""

from __future__ import annotations

import io
import posixpath
import unicodedata
import zipfile
import zlib
from functools import cached_property
from urllib.parse import unquote

from loa.errors import DocumentTooLarge, EncryptedDocument, UnreadableDocument
from loa.reading.limits import Limits

_DIRECTORY_ENTRY = b"PK\x01\x02"  # begins the record of each file
_ENCRYPTED = 0x1  # bit of a file's flags
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that EPUB and OPC allow; those of others cannot be unpacked in steps
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, KeyError, OverflowError)


class Archive:
    """The files of an archive, by name."""

    def __init__(self, content: bytes, limits: Limits) -> None:
        """Raises DocumentTooLarge for too many files, UnreadableDocument for what is no archive, or part of one."""
        self._limits = limits
        self._unpacked = 0
        if (entries := content.count(_DIRECTORY_ENTRY)) > limits.entries:  # before a directory of millions is taken in
            raise DocumentTooLarge(f"the archive holds {entries:,} files; the limit is {limits.entries:,}")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
            raise UnreadableDocument(f"the file is damaged, or a part of it is missing: {error}") from error

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all files, in the order of the archive; folders are left out."""
        return tuple(name for name in self._zip.namelist() if not name.endswith("/"))

    @cached_property
    def _folded(self) -> dict[str, str]:
        folded: dict[str, str] = {}
        for name in self.names:
            for spelling in (name, _mended(name), unquote(name)):
                folded.setdefault(_fold(spelling), name)
        return folded

    def find(self, path: str) -> str | None:
        """The file that is meant by `path`, which may differ in case, in percent-encoding, in the kind of slash and in Unicode's form."""
        if path in self._zip.NameToInfo:
            return path
        return self._folded.get(_fold(path)) or self._folded.get(_fold(unquote(path)))

    def read(self, name: str) -> bytes:
        """The bytes of a file of that very name.

        Raises EncryptedDocument for one with a password, DocumentTooLarge for more than the limits allow, of the file or of all together,
        and UnreadableDocument for one that is missing or damaged.
        """
        try:
            entry = self._zip.getinfo(name)
        except KeyError:
            raise UnreadableDocument(f"the file lacks a part: {name[-80:]}") from None
        if entry.flag_bits & _ENCRYPTED:
            raise EncryptedDocument(f"the file is protected by a password ({name[-80:]})")
        if entry.compress_type not in _METHODS:
            raise UnreadableDocument(f"a part of the file is packed in a way that such files do not use: {name[-80:]}")
        allowed = min(self._limits.entry_bytes, self._limits.unpacked_bytes - self._unpacked)
        try:
            with self._zip.open(entry) as file:
                content = file.read(allowed + 1)
        except _BROKEN as error:
            raise UnreadableDocument(f"the file is damaged at {name[-80:]}: {error}") from error
        self._unpacked += len(content)
        if len(content) > allowed:
            raise DocumentTooLarge(
                f"the file unpacks to too much at {name[-80:]}; the limits are {self._limits.entry_bytes:,} bytes for a part "
                f"and {self._limits.unpacked_bytes:,} for all"
            )
        return content


def _fold(path: str) -> str:
    path = unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()
    return posixpath.normpath(path).lstrip("/") if path else ""


def _mended(name: str) -> str:
    """A name in UTF-8 that is not marked as such, which `zipfile` takes for the old code page of DOS."""
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
