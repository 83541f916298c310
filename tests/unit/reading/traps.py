"""Documents that are traps, and what reading one costs."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.archives import archive

WITHIN = 5.0  # seconds
MEMORY = 256_000_000  # bytes more than a process that reads "Hello."
CANARY = "the content of a file that is none of your business"
ALLOWED = {
    "unreadable_document",
    "unsupported_media_type",
    "document_too_large",
    "text_too_long",
    "empty_text",
    "image_only_document",
    "encrypted_document",
}

READ = """
import json, resource, sys
from pathlib import Path
from loa.errors import LoaError
from loa.reading.apart import read_apart
try:
    document = read_apart(Path(sys.argv[1]), sys.argv[2])
    said = {"code": None, "characters": sum(chapter.characters for chapter in document.chapters), "chapters": len(document.chapters)}
    said["leaked"] = sys.argv[3] in repr(document)
except LoaError as error:
    said = {"code": error.code, "message": error.message, "leaked": sys.argv[3] in repr(error.to_json())}
cost = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps(said | {"seconds": cost.ru_utime + cost.ru_stime, "peak": cost.ru_maxrss * 1024}))
"""


@dataclass(frozen=True)
class Trial:
    """How a document was read."""

    code: str | None  # of the error; None: it was read
    said: dict[str, Any]
    seconds: float  # of a processor, which is what passes where nothing else is done
    peak: int  # bytes of memory that the process had which read it


def read(file: Path, content: bytes, name: str) -> Trial:
    """Have a document read, by a process that has no other children, so that what they took was this one's."""
    file.write_bytes(content)
    ended = subprocess.run([sys.executable, "-c", READ, str(file), name, CANARY], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    return Trial(said["code"], said, said["seconds"], said["peak"])


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, list[object]]]:
    """An address on this machine, and the connections that came to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    came.append(server.accept())

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", came
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


# --- EPUB -------------------------------------------------------------------------------------------------------------

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="{package}" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PACKAGE = (
    '<?xml version="1.0"?>{doctype}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier><dc:title>{title}</dc:title>'
    "<dc:language>en</dc:language></metadata><manifest>"
    '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    '<item id="x" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    '<item id="a" href="{page}" media-type="application/xhtml+xml"/></manifest><spine toc="x"><itemref idref="a"/></spine></package>'
)
PAGE = '{prolog}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>A</title></head><body>{body}</body></html>'
NAV = '<nav epub:type="toc" xmlns:epub="http://www.idpf.org/2007/ops"><ol>{entries}</ol></nav>'
NCX = '<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><navMap>{points}</navMap></ncx>'
BODY = "<h1>One</h1><p>Hello there.</p>"


def epub(
    body: str = BODY,
    *more: tuple[str, bytes],
    prolog: str = "",
    doctype: str = "",
    title: str = "A",
    entries: str = '<li><a href="a.xhtml">One</a></li>',
    points: str = "",
    package: str = "book.opf",
    page: str = "a.xhtml",
) -> bytes:
    """An EPUB of one page."""
    return archive(
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.format(package=package).encode()),
        ("book.opf", PACKAGE.format(doctype=doctype, title=title, page=page).encode()),
        ("nav.xhtml", PAGE.format(prolog="", body=NAV.format(entries=entries)).encode()),
        ("toc.ncx", NCX.format(points=points).encode()),
        ("a.xhtml", PAGE.format(prolog=prolog, body=body).encode()),
        *more,
    )


# --- DOCX -------------------------------------------------------------------------------------------------------------

CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"{mode}/></Relationships>'
)
WORDS = (
    '<?xml version="1.0"?>{doctype}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}'
    "</w:body></w:document>"
)
RUN = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"


def docx(body: str = RUN.format("Hello there."), *more: tuple[str, bytes], doctype: str = "") -> bytes:
    """A DOCX of these paragraphs."""
    return archive(
        ("[Content_Types].xml", CONTENT_TYPES.encode()),
        ("_rels/.rels", RELATIONS.format(kind="officeDocument", target="word/document.xml", mode="").encode()),
        ("word/document.xml", WORDS.format(doctype=doctype, body=body).encode()),
        *more,
    )


# --- PDF --------------------------------------------------------------------------------------------------------------

PAGE_TEXT = b"BT /F1 12 Tf 72 720 Td (Hello there, this is the text of a page.) Tj ET"


def stream(content: bytes, dictionary: str = "") -> bytes:
    return f"<<{dictionary} /Length {len(content)}>>\nstream\n".encode() + content + b"\nendstream"


def packed_stream(content: bytes) -> bytes:
    return stream(zlib.compress(content, 9), "/Filter /FlateDecode")


def pdf(*more: bytes | str, contents: bytes = stream(PAGE_TEXT), catalog: str = "", kids: str = "[3 0 R]", count: int = 1) -> bytes:
    """A PDF of one page: objects 1 to 5 are catalog, pages, page, its contents and its font; those of `more` are numbered from 6."""
    objects: list[bytes | str] = [
        f"<</Type /Catalog /Pages 2 0 R {catalog}>>",
        f"<</Type /Pages /Kids {kids} /Count {count}>>",
        "<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>>>>>>",
        contents,
        "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
        *more,
    ]
    made, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n".encode() + (body.encode() if isinstance(body, str) else body) + b"\nendobj\n"
    table = len(made)
    made += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode() + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(made + f"trailer\n<</Size {len(places) + 1} /Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n".encode())
