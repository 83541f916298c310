"""Word documents become chapters of what a listener wants, whatever else is in them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from loa.errors import DocumentTooLarge, EmptyText, UnreadableDocument
from loa.reading import docx
from loa.reading.apart import read_apart
from loa.reading.document import Document
from loa.reading.limits import Limits

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
SPACES = (
    f'xmlns:w="{W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" xmlns:v="urn:schemas-microsoft-com:vml"'
)
STYLES = f"""<w:styles {SPACES}>
<w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="vi-VN"/></w:rPr></w:rPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="u1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="u2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Chuong"><w:name w:val="Chương"/><w:basedOn w:val="u1"/>
<w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Muc"><w:name w:val="Mục"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Tho"><w:name w:val="Thơ"/></w:style>
<w:style w:type="paragraph" w:styleId="ten"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="mucluc1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="vong"><w:name w:val="Vòng"/><w:basedOn w:val="vong"/></w:style>
</w:styles>"""
NUMBERING = f"""<w:numbering {SPACES}>
<w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Chương %1:"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="&#61623;"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>
</w:numbering>"""


KIEU = "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau."


def written(body: str, **parts: str) -> bytes:
    """A .docx with that body; `parts` replace others, "" leaves one out."""
    core = parts.get("core", "")
    files = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": '<Relationships><Relationship Type="http://x/officeDocument" Target="/word/document.xml"/></Relationships>',
        "word/document.xml": parts.get("document") or f"<w:document {SPACES}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": parts.get("styles", STYLES),
        "word/numbering.xml": parts.get("numbering", NUMBERING),
        "docProps/core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/">{core}</c>' if core else "",
        "word/footnotes.xml": f"<w:footnotes {SPACES}><w:footnote>{p('Chú thích.')}</w:footnote></w:footnotes>",
        "word/header1.xml": f"<w:hdr {SPACES}>{p('TRUYỆN KIỀU')}</w:hdr>",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text:
                archive.writestr(name, text)
    return content.getvalue()


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(text: str = "", *, style: str = "", number: str = "", runs: str = "") -> str:
    properties = (f'<w:pStyle w:val="{style}"/>' if style else "") + number
    return f"<w:p><w:pPr>{properties}</w:pPr>{r(text) if text else ''}{runs}</w:p>"


def item(text: str, name: int, level: int = 0) -> str:
    return p(text, number=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{name}"/></w:numPr>')


def field(instruction: str, result: str) -> str:
    steps = [f'<w:r><w:fldChar w:fldCharType="{step}"/></w:r>' for step in ("begin", "separate", "end")]
    return f"{steps[0]}<w:r><w:instrText>{instruction}</w:instrText></w:r>{steps[1]}{result}{steps[2]}"


def read(body: str, **parts: str) -> Document:
    return docx.read(written(body, **parts), Limits())


def said(body: str, **parts: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for chapter in read(body, **parts).chapters for block in chapter.blocks]


def test_headings_are_chapters_whatever_the_style_is_called() -> None:
    document = read(
        p("Truyện Kiều", style="ten") + p("Một", style="u1") + p(KIEU) + p("Hai", style="u1") + p("Phần nhỏ", style="Muc") + p("b"),
        core="<dc:title>Đoạn trường tân thanh</dc:title><dc:creator>Nguyễn Du</dc:creator><dc:language>vi</dc:language>",
    )
    assert (document.title, document.author, document.language) == ("Đoạn trường tân thanh", "Nguyễn Du", "vi")
    assert [(chapter.title, chapter.matter, [block.text for block in chapter.blocks]) for chapter in document.chapters] == [
        ("", "front", ["Truyện Kiều"]),
        ("Một", "body", ["Một", KIEU]),
        ("Hai", "body", ["Hai", "Phần nhỏ", "b"]),
    ]


def test_the_title_is_that_of_the_text_where_the_properties_have_none() -> None:
    assert read(p("Truyện Kiều", style="ten") + p("a")).title == "Truyện Kiều"


def test_without_headings_what_looks_like_one_is_one() -> None:
    bold = '<w:b w:val="1"/>'
    document = read(p("CHƯƠNG I") + p("a") + p(runs=r("CHƯƠNG II", bold)) + p("b") + p("Chương trình này hay."))
    assert [(chapter.title, len(chapter.blocks)) for chapter in document.chapters] == [("CHƯƠNG I", 2), ("CHƯƠNG II", 3)]


def test_numbers_that_word_writes_are_read() -> None:
    body = p("Mở đầu", style="Chuong") + item("gạo", 1) + item("nếp", 1, 1) + item("tẻ", 1, 1) + item("đậu", 1) + item("lá", 3)
    body += p("Kết", style="Chuong") + item("bảy", 4) + p("a", style="Chuong", number='<w:numPr><w:numId w:val="0"/></w:numPr>')
    assert said(body) == [
        ("heading", "Chương I: Mở đầu"), ("item", "1. gạo"), ("item", "1.a) nếp"), ("item", "1.b) tẻ"), ("item", "2. đậu"), ("item", "lá"),
        ("heading", "Chương II: Kết"), ("item", "7. bảy"), ("heading", "a"),
    ]  # fmt: skip


def test_notes_comments_and_deleted_revisions_are_left_out_and_counted() -> None:
    runs = (
        r("Trăm năm")
        + '<w:r><w:footnoteReference w:id="1"/></w:r><w:r><w:endnoteReference w:id="1"/></w:r><w:r><w:commentReference w:id="1"/></w:r>'
        f"<w:del><w:r><w:delText> xưa</w:delText></w:r></w:del><w:ins>{r(' trong cõi')}</w:ins>"
        f"<w:moveFrom>{r(' nơi cũ')}</w:moveFrom><w:hyperlink>{r(' người ta')}</w:hyperlink>{r(' bí mật', '<w:vanish/>')}"
    )
    document = read(p(runs=runs))
    assert document.chapters[0].blocks[0].text == "Trăm năm trong cõi người ta"
    assert document.omissions == ("1 footnote", "1 endnote", "1 comment", "2 deleted passages")


def test_contents_and_page_numbers_are_left_out_and_other_fields_read() -> None:
    steps = [f'<w:r><w:fldChar w:fldCharType="{step}"/></w:r>' for step in ("begin", "separate", "end")]
    contents = p(runs=f"{steps[0]}<w:r><w:instrText> TOC \\o </w:instrText></w:r>{steps[1]}" + r("Chương 1")) + p(
        "Chương 2", style="mucluc1"
    )
    body = contents + p(runs=r("Chương 3") + field("PAGEREF x", r("9")) + steps[2]) + p("Mục lục", style="u1")
    body += p("Một", style="u1") + p(runs=r("Xem ") + field("REF y", r("hình 2")) + field(" PAGE ", r("12")) + r("."))
    body += p(runs='<w:fldSimple w:instr="NUMPAGES">' + r("99") + "</w:fldSimple>" + r("Hết."))
    document = read(body)
    assert [block.text for chapter in document.chapters for block in chapter.blocks] == ["Một", "Xem hình 2.", "Hết."]
    assert document.omissions == ("3 lines of a table of contents",)


def test_rows_of_tables_are_sentences() -> None:
    def table(rows: list[list[str]], look: str = "") -> str:
        cells = ["".join(f"<w:tc>{p(cell)}</w:tc>" for cell in row) for row in rows]
        return f"<w:tbl><w:tblPr>{look}</w:tblPr>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"

    rows = [["Tên", "Tuổi"], ["An", "12"], ["Bình", "13."]]
    assert said(table(rows, '<w:tblLook w:firstRow="1"/>')) == [("row", "Tên: An; Tuổi: 12."), ("row", "Tên: Bình; Tuổi: 13.")]
    assert said(table(rows[1:])) == [("row", "An; 12."), ("row", "Bình; 13.")]
    assert said(table([["Cột trái là một bài."], ["Bài nữa."]])) == [("paragraph", "Cột trái là một bài."), ("paragraph", "Bài nữa.")]


def test_verse_keeps_its_lines() -> None:
    lines = ["Ao thu lạnh lẽo nước trong veo", "Một chiếc thuyền câu bé tẻo teo", "Sóng biếc theo làn hơi gợn tí"]
    poem = ("verse", "\n".join(lines))
    assert said(p(runs="<w:r><w:br/></w:r>".join(map(r, lines)))) == [poem]
    assert said("".join(p(line, style="Tho") for line in lines) + p("Hết.")) == [poem, ("paragraph", "Hết.")]
    assert said(p(runs=r("Một trang") + '<w:r><w:br w:type="page"/></w:r>' + r("khác."))) == [("paragraph", "Một trang khác.")]


def test_text_boxes_are_read_once_and_pictures_where_their_words_carry_meaning() -> None:
    box = f"<w:txbxContent>{p('Trong khung.')}</w:txbxContent>"
    new, old = f"<mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>", f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
    twice = f"<mc:AlternateContent>{new}{old}</mc:AlternateContent>"
    picture = '<w:drawing><wp:docPr descr="{}"/></w:drawing>'
    runs = f"{r('Ngoài khung.')}<w:r>{twice}</w:r>"
    runs += "".join(f"<w:r>{picture.format(words)}</w:r>" for words in ("Bản đồ thành phố Huế năm 1900", "anh1.png"))
    document = read(p(runs=runs))
    assert [block.text for block in document.chapters[0].blocks] == ["Ngoài khung.", "Bản đồ thành phố Huế năm 1900.", "Trong khung."]
    assert document.omissions == ("1 picture",)


def test_exponents_and_plain_formulas_are_read_and_built_ones_counted() -> None:
    plain = "<m:oMath><m:r><m:t>x=2</m:t></m:r></m:oMath>"
    built = "<m:oMath><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num></m:f></m:oMath>"
    raised = r("2", '<w:vertAlign w:val="superscript"/>')
    document = read(p(runs=r("Rộng 25 km") + raised + r(", khi ") + plain + built))
    assert document.chapters[0].blocks[0].text == "Rộng 25 km², khi x=2"
    assert document.omissions == ("1 formula",)


def test_languages_are_believed_where_the_letters_allow_them() -> None:
    english = "The quick brown fox jumps over the lazy dog, again and again."
    vietnamese = "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau."
    tagged = '<w:lang w:val="en-US"/>'
    document = read(p(vietnamese) + p(runs=r(english, tagged)) + p(runs=r(vietnamese, tagged)))
    assert document.language == "vi-VN"
    assert [block.language for block in document.chapters[0].blocks] == [None, "en-US", None]
    assert read(p(english * 3)).language is None  # Word's own language, on a text that is not in it


def test_the_strict_form_of_the_format_is_read() -> None:
    document = f'<w:document xmlns:w="{STRICT}"><w:body>{p("Trăm năm.")}</w:body></w:document>'
    assert said("", document=document, styles=STYLES.replace(W, STRICT)) == [("paragraph", "Trăm năm.")]


def test_styles_and_numbers_may_be_missing_or_go_in_circles() -> None:
    assert said(item("a", 1) + p("b", style="u1"), styles="", numbering="") == [("paragraph", "a"), ("paragraph", "b")]
    assert said(p("a", style="vong")) == [("paragraph", "a")]


def test_a_document_without_text_or_body_is_refused() -> None:
    with pytest.raises(EmptyText):
        read(p())
    with pytest.raises(UnreadableDocument, match="not a document of Word"):
        read("", document="<a/>")
    with pytest.raises(UnreadableDocument, match="damaged"):
        docx.read(written(p("a"))[:-40], Limits())


@pytest.mark.parametrize(
    "document",
    [
        f'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document {SPACES}><w:body>{p("&a;")}</w:body></w:document>',
        f'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><w:document {SPACES}><w:body>{p("&b;")}</w:body></w:document>',
        f"<w:document {SPACES}><w:body>{'<w:sdt>' * 5_000}{'</w:sdt>' * 5_000}</w:body></w:document>",
    ],
    ids=["foreign file", "growing", "deep"],
)
def test_markup_that_is_not_safe_is_refused(document: str) -> None:
    with pytest.raises(UnreadableDocument):
        read("", document=document)


def test_what_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(DocumentTooLarge):
        docx.read(written(p("a" * 2_000_000)), Limits(entry_bytes=1_000_000))


def test_a_docx_is_read_by_a_process_that_can_open_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.docx"
    path.write_bytes(written(p("Một", style="u1") + p("Trăm năm trong cõi người ta.") + p("Hai", style="u1") + p("b")))
    assert [chapter.title for chapter in read_apart(path).chapters] == ["Một", "Hai"]
