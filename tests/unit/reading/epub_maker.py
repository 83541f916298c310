"""Books for tests, made in memory: EPUB 2 and 3, correct unless a test asks for something else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

CONTAINER = """<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
PROSE = "It was a bright cold day in April, and the clocks were striking thirteen. " * 30  # 2,250 characters: more than a title page has


def xhtml(body: str, *, title: str = "", attributes: str = "") -> str:
    """A page as it should be."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        f'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" {attributes}>'
        f"<head><title>{title}</title></head><body>{body}</body></html>"
    )


def chapter(heading: str, text: str = PROSE, *, attributes: str = "") -> str:
    return xhtml(f"<section {attributes}><h1>{heading}</h1><p>{text}</p></section>")


def nav(entries: str, landmarks: str = "") -> str:
    marks = f'<nav epub:type="landmarks"><ol>{landmarks}</ol></nav>' if landmarks else ""
    return xhtml(f'<nav epub:type="toc"><h1>Contents</h1><ol>{entries}</ol></nav>{marks}')


def ncx(points: str) -> str:
    return f'<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><navMap>{points}</navMap></ncx>'


def point(title: str, src: str, inner: str = "") -> str:
    return f'<navPoint><navLabel><text>{title}</text></navLabel><content src="{src}"/>{inner}</navPoint>'


def line(title: str, href: str, inner: str = "") -> str:
    return f'<li><a href="{href}">{title}</a>{f"<ol>{inner}</ol>" if inner else ""}</li>'


def archive(files: Mapping[str, str | bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of files by name, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def epub(
    pages: Mapping[str, str | bytes],
    *,
    toc: str = "",
    landmarks: str = "",
    points: str = "",
    metadata: str = "<dc:title>A Book</dc:title><dc:creator>Ann Author</dc:creator><dc:language>en</dc:language>",
    manifest: str = "",
    guide: str = "",
    aside: Sequence[str] = (),
    files: Mapping[str, str | bytes] | None = None,
    opf: str | None = None,
) -> bytes:
    """A book of pages in reading order, without a table of contents unless one is given.

    `toc`: lines of an EPUB 3 navigation document; `points`: of an EPUB 2 NCX.
    `files` are added to the archive, or replace what is made; names are from the archive's root, those of pages from OEBPS.
    """
    items = "".join(f'<item id="p{place}" href="{name}" media-type="application/xhtml+xml"/>' for place, name in enumerate(pages))
    linear = {name: ' linear="no"' if name in aside else "" for name in pages}
    spine = "".join(f'<itemref idref="p{place}"{linear[name]}/>' for place, name in enumerate(pages))
    made: dict[str, str | bytes] = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER}
    if toc:
        items += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        made["OEBPS/nav.xhtml"] = nav(toc, landmarks)
    if points:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        made["OEBPS/toc.ncx"] = ncx(points)
    made["OEBPS/package.opf"] = opf or (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">{metadata}</metadata>'
        f"<manifest>{items}{manifest}</manifest><spine{' toc=' + chr(34) + 'ncx' + chr(34) if points else ''}>{spine}</spine>"
        f"<guide>{guide}</guide></package>"
    )
    made |= {f"OEBPS/{name}": content for name, content in pages.items()}
    return archive(made | dict(files or {}))


TWO = {"one.xhtml": chapter("One"), "two.xhtml": chapter("Two")}
LINES = line("One", "one.xhtml") + line("Two", "two.xhtml")
