"""A document travels from one process to another as it is."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.reading.document import Block, BlockKind, Chapter, Cover, Document, Matter
from loa.reading.packed import pack, unpack

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
BLOCKS = st.builds(Block, kind=st.sampled_from(get_args(BlockKind)), text=WORDS, level=st.integers(0, 6), language=st.none() | WORDS)
CHAPTERS = st.builds(
    Chapter, title=WORDS, matter=st.sampled_from(get_args(Matter)), role=WORDS, blocks=st.lists(BLOCKS, max_size=5).map(tuple)
)
DOCUMENTS = st.builds(
    Document,
    title=st.none() | WORDS,
    author=st.none() | WORDS,
    language=st.none() | WORDS,
    cover=st.none() | st.builds(Cover, media_type=WORDS, content=st.binary()),
    chapters=st.lists(CHAPTERS, max_size=5).map(tuple),
    omissions=st.lists(WORDS, max_size=3).map(tuple),
)


@given(DOCUMENTS)
def test_what_is_packed_is_unpacked(document: Document) -> None:
    assert unpack(b"".join(pack(document))) == document


def test_half_a_character_does_not_stop_it() -> None:
    document = Document(chapters=(Chapter(title="a\ud800b"),))
    assert unpack(b"".join(pack(document))).chapters[0].title == "a?b"


@pytest.mark.parametrize("packed", [b"", b"{}\n", b"[1]\n", b"not JSON\n", b"[null,null,null,null,[]]\n[1]\n", b"\xff\n"])
def test_anything_else_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(packed)
