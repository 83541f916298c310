"""Books that are traps are refused, or read, soon and in little memory; no other file is read, and no connection is made."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archives import archive
from tests.unit.reading import traps
from tests.unit.reading.traps import (
    ALLOWED,
    BODY,
    CANARY,
    MEMORY,
    PAGE,
    PAGE_TEXT,
    RELATIONS,
    RUN,
    WITHIN,
    docx,
    epub,
    packed_stream,
    pdf,
    stream,
)

MILLION = 1_000_000
LAUGHS = (
    '<!DOCTYPE {root} [<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10)) + "]>"
)
QUADRATIC = f'<!DOCTYPE {{root}} [<!ENTITY a9 "{"x" * 100_000}">]>'
FOREIGN = '<!DOCTYPE {root} [<!ENTITY a9 SYSTEM "{url}">]>'
PARAMETER = '<!DOCTYPE {root} [<!ENTITY % p SYSTEM "{url}"> %p;]>'
HELLO = {
    "epub": epub(),
    "docx": docx(),
    "pdf": pdf(),
    "html": PAGE.format(prolog="<!DOCTYPE html>", body=BODY).encode(),
    "md": b"# One\n\nHello there.",
}


def nested(mark: str, depth: int, text: str = "Hello.") -> str:
    return f"<{mark}>" * depth + text + f"</{mark}>" * depth


def nested_list(depth: int) -> str:
    return '<li><a href="a.xhtml">x</a><ol>' * depth + '<li><a href="a.xhtml">y</a></li>' + "</ol></li>" * depth


def points(count: int) -> str:
    return "".join(
        f'<navPoint id="p{number}"><navLabel><text>{number}</text></navLabel><content src="a.xhtml#p{number}"/></navPoint>'
        for number in range(count)
    )


def outline(count: int, last: str = "") -> list[str]:
    """Objects 6 (the outline) and on of a PDF: each entry leads to the next, the last one where `last` says."""
    entries = [
        f"<</Title (Chapter {number}) /Parent 6 0 R /Dest [3 0 R /Fit] {f'/Next {8 + number} 0 R' if number < count - 1 else last}>>"
        for number in range(count)
    ]
    return [f"<</Type /Outlines /First 7 0 R /Last {6 + count} 0 R /Count {count}>>", *entries]


EPUBS = {
    "zip bomb": lambda: epub("<p>" + "a" * (200 * MILLION) + "</p>"),
    "zip bomb in the package": lambda: epub(title=" " * (200 * MILLION)),
    "many bombs": lambda: epub(BODY, *((f"{number}.xhtml", bytes(20 * MILLION)) for number in range(10))),
    "nested zip": lambda: epub(BODY, ("b.epub", epub("<p>" + "a" * (20 * MILLION) + "</p>")), page="b.epub"),
    "itself as its page": lambda: epub(page="META-INF/container.xml"),
    "60,000 files": lambda: epub(BODY, *((f"{number}", b"") for number in range(60_000))),
    "10,000,000 characters": lambda: epub("<p>" + "word " * (2 * MILLION) + "</p>"),
    "1,000,000 paragraphs": lambda: epub("<p>a</p>" * MILLION),
    "3,000,000 elements": lambda: epub("<b/>" * (3 * MILLION)),
    "nested a million deep": lambda: epub(nested("div", MILLION)),
    "nested 5,000 deep": lambda: epub(nested("blockquote", 5_000)),
    "nested and never closed": lambda: epub("<b><p>" * 100_000),
    "a contents of 50,000 entries": lambda: epub(entries='<li><a href="a.xhtml">x</a></li>' * 50_000),
    "a contents nested 50,000 deep": lambda: epub(entries=nested_list(50_000)),
    "an NCX of 50,000 points": lambda: epub(entries="", points=points(50_000)),
    "an NCX nested 5,000 deep": lambda: epub(
        entries="", points='<navPoint id="p"><content src="a.xhtml"/>' * 5_000 + "</navPoint>" * 5_000
    ),
    "a row of 20,000 cells": lambda: epub("<table><tr>" + "<td>a</td>" * 20_000 + "</tr></table>"),
    "a cell that spans 1,000,000": lambda: epub(
        "<table>" + '<tr><th colspan="1000000" rowspan="1000000">a</th></tr><tr><td>b</td></tr>' * 1_000 + "</table>"
    ),
    "100,000 attributes": lambda: epub("<p " + " ".join(f'a{number}="x"' for number in range(100_000)) + ">Hello.</p>"),
    "20,000 footnote marks": lambda: epub('<p>Hello.<sup><a href="#x">1</a></sup></p>' * 20_000),
    "billion laughs": lambda: epub("<p>&a9;</p>", prolog=LAUGHS.format(root="html")),
    "billion laughs in the package": lambda: epub(title="&a9;", doctype=LAUGHS.format(root="package")),
    "quadratic blow-up": lambda: epub("<p>" + "&a9;" * 10_000 + "</p>", prolog=QUADRATIC.format(root="html")),
}
DOCXS = {
    "zip bomb": lambda: docx(RUN.format("a" * (200 * MILLION))),
    "10,000,000 characters": lambda: docx(RUN.format("word " * (2 * MILLION))),
    "500,000 paragraphs": lambda: docx(RUN.format("a") * 500_000),
    "nested 100,000 deep": lambda: docx("<w:p>" + nested("w:r", 100_000, "<w:t>Hello.</w:t>") + "</w:p>"),
    "tables nested 5,000 deep": lambda: docx("<w:tbl><w:tr><w:tc>" * 5_000 + RUN.format("Hello.") + "</w:tc></w:tr></w:tbl>" * 5_000),
    "50,000 headings": lambda: docx('<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>' * 50_000),
    "billion laughs": lambda: docx(RUN.format("&a9;"), doctype=LAUGHS.format(root="w:document")),
    "quadratic blow-up": lambda: docx(RUN.format("&a9;" * 10_000), doctype=QUADRATIC.format(root="w:document")),
}
PDFS = {
    "a bomb of blanks": lambda: pdf(contents=packed_stream(b" " * (300 * MILLION))),
    "a bomb of text": lambda: pdf(contents=packed_stream(b"BT /F1 12 Tf 72 720 Td (Hello there.) Tj ET\n" * (5 * MILLION))),
    "a bomb in a bomb": lambda: pdf(
        contents=stream(zlib.compress(zlib.compress(bytes(900 * MILLION), 9), 9), "/Filter [/FlateDecode /FlateDecode]")
    ),
    "an outline of 50,000 entries": lambda: pdf(*outline(50_000), catalog="/Outlines 6 0 R"),
    "an outline that is a loop": lambda: pdf(*outline(50_000, "/Next 7 0 R"), catalog="/Outlines 6 0 R"),
    "an outline that is its own child": lambda: pdf(
        "<</First 7 0 R /Last 7 0 R>>", "<</Title (x) /First 7 0 R /Last 7 0 R /Next 7 0 R /Dest [3 0 R /Fit]>>", catalog="/Outlines 6 0 R"
    ),
    "pages that hold themselves": lambda: pdf(kids="[2 0 R 3 0 R 2 0 R]", count=50_000),
    "one page 50,000 times": lambda: pdf(kids=f"[{'3 0 R ' * 50_000}]", count=50_000),
    "a billion pages, it says": lambda: pdf(count=1_000_000_000),
    "arrays nested 100,000 deep": lambda: pdf("[" * 100_000 + "]" * 100_000, catalog="/X 6 0 R"),
    "text states nested 1,000,000 deep": lambda: pdf(contents=packed_stream(b"q " * MILLION + PAGE_TEXT)),
    "a form that draws itself": lambda: pdf(
        stream(b"/Me Do " * 10, "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</XObject <</Me 6 0 R>>>>"),
        contents=stream(PAGE_TEXT + b" /Me Do"),
    ),
    "cut in half": lambda: pdf()[:400],
    "nothing but its beginning": lambda: b"%PDF-1.7\n",
}
PAGES = {
    "10,000,000 characters": lambda: HELLO["html"] + b"word " * (2 * MILLION),
    "nested a million deep": lambda: b"<!doctype html>" + b"<div>" * MILLION,
    "inline and nested 100,000 deep": lambda: b"<!doctype html>" + b"<b><i>" * 100_000 + b"Hello.",
    "formatting that is opened again": lambda: b"<!doctype html>" + b"<p><b><i><u><font>Hello." * 50_000,
    "3,000,000 elements": lambda: b"<!doctype html>" + b"<b>" * (3 * MILLION),
    "tables in tables": lambda: b"<!doctype html>" + b"<table><tr><td>" * 50_000 + b"Hello.",
    "unended comments": lambda: b"<!doctype html>Hello." + b"<!--" * 500_000,
    "unended tags": lambda: b"<!doctype html>Hello." + b"<a " * MILLION,
    "an attribute of 5,000,000 characters": lambda: b"<!doctype html><p title='" + b"a" * (5 * MILLION) + b"'>Hello.",
    "ampersands": lambda: b"<!doctype html>Hello." + b"&amp" * MILLION,
}
RUNS = ("[", "<!--", "<?", "<script>", ">", "> ", "- ", "*a ", "`", "<a ", "![", "&amp", "\\", "](", "<b '", "[^", "^[", "**a ", "~~")
MARKDOWNS = {
    "10,000,000 characters": lambda: b"word " * (2 * MILLION),
    "50,000 headings": lambda: b"# a\n\nb\n\n" * 50_000,
    "500,000 paragraphs": lambda: b"a\n\n" * 500_000,
    "1,000,000 items": lambda: b"- a\n" * MILLION,
    **{
        f"a run of {mark!r}": lambda mark=mark: (mark * (400_000 // len(mark))).encode() + b" Hello."
        for mark in RUNS
    },
    "tables of many cells": lambda: (b"|a" * 900 + b"\n" + b"|-" * 900 + b"\n" + b"b\n" * 70 + b"\n") * 50,
    "references": lambda: b"[a]: b\n" * 100_000 + b"[a]" * 100_000,
    "footnotes": lambda: b"".join(b"a[^%d]\n\n[^%d]: b\n\n" % (number, number) for number in range(50_000)),
}  # fmt: skip
TRAPS = [
    pytest.param(kind, make, id=f"{kind}: {name}")
    for kind, traps_of_kind in (("epub", EPUBS), ("docx", DOCXS), ("pdf", PDFS), ("html", PAGES), ("md", MARKDOWNS))
    for name, make in traps_of_kind.items()
]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Kind → bytes of memory that a process takes which has next to nothing to read; each of these must be readable."""
    peaks = {}
    for kind, content in HELLO.items():
        trial = traps.read(tmp_path_factory.mktemp("quiet") / "document", content, f"a.{kind}")
        assert trial.code is None, (kind, trial.said)
        peaks[kind] = trial.peak
    return peaks


@pytest.mark.parametrize(("kind", "make"), TRAPS)
def test_a_trap(kind: str, make: Callable[[], bytes], quiet: dict[str, int], tmp_path: Path) -> None:
    content = make()
    trial = traps.read(tmp_path / "document", content, f"a.{kind}")
    assert trial.code is None or trial.code in ALLOWED, trial.said
    assert trial.seconds <= WITHIN
    assert trial.peak - quiet[kind] - len(content) <= MEMORY
    assert "(" not in trial.said.get("message", "") or "Error)" not in trial.said["message"], "a defect of the reader"


def leading(url: str, canary: Path) -> dict[str, bytes]:
    """Books that lead elsewhere, by what they do."""
    made = {}
    for name, prolog in (("entity", FOREIGN), ("parameter entity", PARAMETER)):
        made[f"{name} in a page"] = epub("<p>Hello. &a9;</p>", prolog=prolog.format(root="html", url=url))
        made[f"{name} in the package"] = epub(title="&a9;", doctype=prolog.format(root="package", url=url))
        made[f"{name} in a DOCX"] = docx(RUN.format("Hello. &a9;"), doctype=prolog.format(root="w:document", url=url))
        made[f"{name} in a web page"] = f"{prolog.format(root='html', url=url)}<html><p>Hello. &a9;</p></html>".encode()
    made["DTD of a page"] = epub(prolog=f'<!DOCTYPE html SYSTEM "{url}">')
    made["XInclude"] = epub(f'<p>Hello.</p><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}" parse="text"/>')
    made["stylesheet"] = epub(prolog=f'<?xml-stylesheet href="{url}" type="text/xsl"?>')
    made["frames and pictures"] = epub(
        f'<p>Hello.</p><iframe src="{url}"></iframe><img src="{url}" alt="x"/><object data="{url}"></object>'
    )
    made["a page elsewhere"] = epub(page=url)
    made["a package elsewhere"] = epub(package=url)
    made["a package above"] = epub(package=f"../../../../../../../..{canary}")
    made["a page above"] = epub(page=f"../../../../../../../..{canary}")
    made["a page from the root"] = epub(page=str(canary))
    made["zip-slip"] = epub(BODY, ("../../../../../../tmp/slipped.txt", b"slipped"), ("/tmp/slipped.txt", b"slipped"))
    made["a DOCX's template"] = docx(
        RUN.format("Hello."),
        ("word/_rels/document.xml.rels", RELATIONS.format(kind="attachedTemplate", target=url, mode=' TargetMode="External"').encode()),
    )
    made["a DOCX's picture"] = docx(
        RUN.format("Hello."),
        ("word/_rels/document.xml.rels", RELATIONS.format(kind="image", target=url, mode=' TargetMode="External"').encode()),
    )
    made["a PDF's action"] = pdf(f"<</S /URI /URI ({url})>>", catalog="/OpenAction 6 0 R")
    made["a PDF's program"] = pdf(f"<</S /JavaScript /JS (app.launchURL\\('{url}'\\);)>>", catalog="/OpenAction 6 0 R")
    made["a PDF's contents elsewhere"] = pdf(contents=stream(b"", f"/F <</Type /Filespec /FS /URL /F ({url})>>"))
    made["a PDF's contents in a file"] = pdf(contents=stream(b"", f"/F ({canary})"))
    made["a web page"] = HELLO["html"].replace(
        b"<body>", f'<base href="{url}"><body><img src="a.png"><script src="b.js"></script>'.encode()
    )
    made["Markdown"] = f"![Hello]({url}a.png) <img src='{url}b.png'>\n\n[link]({url})\n\n[a]: {url}\n".encode()
    return made


def test_no_book_leads_elsewhere(tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text(CANARY)
    with traps.listening() as (url, came):
        for target in (url, canary.as_uri()):
            for name, content in leading(target, canary).items():
                trial = traps.read(tmp_path / "document", content, "a.md" if name == "Markdown" else "")
                assert trial.code is None or trial.code in ALLOWED, (name, trial.said)
                assert not trial.said["leaked"], (name, target)
    assert came == []
    assert not Path("/tmp/slipped.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canary.txt", "document"]


def test_a_nested_archive_is_not_opened(tmp_path: Path) -> None:
    inner = archive(("secret.txt", CANARY.encode()))
    trial = traps.read(tmp_path / "document", epub(BODY, ("inner.zip", inner), ("inner.epub", epub(f"<p>{CANARY}</p>"))), "a.epub")
    assert (trial.code, trial.said["leaked"]) == (None, False)
