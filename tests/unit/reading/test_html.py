"""Web pages as documents."""

from __future__ import annotations

import pytest

from loa.reading import html
from loa.reading.document import Document
from loa.reading.limits import Limits
from tests.unit.reading.epub_maker import PROSE


def read(content: str) -> Document:
    return html.read(content.encode(), Limits())


def text(document: Document) -> str:
    return " | ".join(block.text for chapter in document.chapters for block in chapter.blocks)


def test_title_author_and_language() -> None:
    document = read('<html lang="vi"><head><title>Trang</title><meta name="author" content="An Nguyễn"></head><body><p>Xin chào.</p>')
    assert (document.title, document.author, document.language) == ("Trang", "An Nguyễn", "vi")


def test_a_single_heading_is_the_title() -> None:
    document = read("<title>Whales – A Site</title><h1>Whales</h1><p>Text.</p>")
    assert document.title == "Whales"
    assert [chapter.title for chapter in document.chapters] == ["Whales"]


def test_headings_make_chapters() -> None:
    document = read(
        "<h1>Whales</h1><p>All.</p><h2>Small</h2><p>One.</p><h3>Very</h3><p>Two.</p><h2>Large</h2><p>Three.</p><h2>References</h2><p>X.</p>"
    )
    assert [(chapter.title, chapter.matter, len(chapter.blocks)) for chapter in document.chapters] == [
        ("Whales", "body", 2),
        ("Small", "body", 4),
        ("Large", "body", 2),
        ("References", "back", 2),
    ]


def test_a_page_without_headings_is_one_chapter() -> None:
    assert len(read("<p>One.</p><p>Two.</p>").chapters) == 1


@pytest.mark.parametrize(
    "site",
    [
        "<nav>Site</nav>",
        "<header>Site</header>",
        "<footer>Site</footer>",
        "<aside>Site</aside>",
        "<form>Site</form>",
        '<div role="navigation">Site</div>',
        '<div class="cookie-banner">Site</div>',
        '<div id="cookie-consent">Site</div>',
        '<div class="sidebar">Site</div>',
        '<ul class="breadcrumbs"><li>Site</li></ul>',
        '<div class="share-buttons">Site</div>',
        '<section id="comments">Site</section>',
        "<p hidden>Site</p>",
        '<div style="display:none">Site</div>',
        "<noscript>Site</noscript>",
        "<button>Site</button>",
        '<h2>One<span class="mw-editsection">[edit]</span></h2>',
        "<script>Site</script>",
        "<!-- Site -->",
    ],
)
def test_what_belongs_to_the_site_is_left_out(site: str) -> None:
    assert "Site" not in text(read(f"<body>{site}<h1>Whales</h1><p>{PROSE}</p></body>"))
    assert "edit" not in text(read(f"<body>{site}<h1>Whales</h1><p>{PROSE}</p></body>"))


@pytest.mark.parametrize("tag", ["main", "article"])
def test_the_main_part_is_the_text(tag: str) -> None:
    document = read(f"<div>Site</div><{tag}><header><h1>Whales</h1></header><p>{PROSE}</p></{tag}><div>Site</div>")
    assert text(document).startswith("Whales | It was")
    assert "Site" not in text(document)


@pytest.mark.parametrize(
    "page",
    [
        '<body class="nav"><p>{}</p></body>',
        '<div class="has-sidebar"><main><p>{}</p></main></div>',
        '<div class="menu"><h1>Whales</h1><p>{}</p></div>',
        '<div id="sidebar"><p>{}</p></div>',
        "<main></main><p>{}</p>",
        "<header><h1>Whales</h1></header><p>{}</p>",
    ],
)
def test_a_text_is_not_taken_for_a_site(page: str) -> None:
    assert PROSE.strip() in text(read(page.format(PROSE)))


def test_notes_come_last() -> None:
    document = read(
        f'<h1>A</h1><p>{PROSE}<sup><a href="#n">[1]</a></sup></p><ol><li id="n"><a href="#r">^</a> x</li></ol>'
        '<div class="footnote">A note.</div>'
    )
    assert (document.chapters[-1].title, document.chapters[-1].role) == ("Notes", "notes")
    assert [block.text for block in document.chapters[-1].blocks] == ["x", "A note."]
    assert document.omissions == ("1 footnote mark",)


def test_blocks_of_a_piece() -> None:
    assert [block.text for block in html.blocks("<nav>One</nav><p>Two</p>", Limits())] == ["One", "Two"]
