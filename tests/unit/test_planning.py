"""Planning a document: every word has its segment, in the right voice, with the silence that the structure asks for."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.errors import EmptyText, InvalidChapters, UnsupportedLanguage
from loa.plan import Plan
from loa.plan.cast import Cast, Part
from loa.plan.cutting import cut
from loa.plan.listing import chapter_list
from loa.plan.pauses import LINE, Pauses
from loa.plan.planning import plan_document, plan_text
from loa.reading import Block, Chapter, Document
from loa.saying import Change, Said
from loa.saying.lexicon import Lexicon
from loa.voices import Voice

PAUSES = Pauses(sentence=0.1, paragraph=0.2, heading=0.4, chapter=0.8)
VIETNAMESE = "Đây là một câu tiếng Việt khá dài để ai cũng nhận ra."
ENGLISH = "This is a sentence that everybody takes for English, and rightly."


def part(name: str, language: str, engine: str = "vits") -> Part:
    voice = Voice(name=name, title=name, engine=engine, language=language, licence="CC0", commercial_use=True)
    return Part(voice=voice, fingerprint=f"{name:a<64}")


EN, VI = part("ann", "en-US"), part("an", "vi-VN", "viettts")
ALONE = Cast(main=EN)
BOTH = Cast(main=EN, others={"vi": VI, "en": EN})


def paragraph(text: str, **more: object) -> Block:
    return Block(**({"kind": "paragraph", "text": text} | more))  # type: ignore[arg-type]


def heading(text: str) -> Block:
    return Block(kind="heading", text=text, level=1)


def a_book(*blocks: Block) -> Document:
    return Document(chapters=(Chapter(title="", blocks=blocks),))


def planned(document: Document, cast: Cast = ALONE, **more: object) -> Plan:
    return plan_document(document, cast=cast, **({"pauses": PAUSES} | more))  # type: ignore[arg-type]


def told(plan: Plan) -> list[tuple[str, float]]:
    return [(segment.text, segment.pause) for segment in plan.segments]


LIBRARY = Document(
    title="A library",
    author="Somebody",
    language="en-GB",
    omissions=("3 code blocks",),
    chapters=(
        Chapter(title="Copyright", matter="front", role="copyright", blocks=(paragraph("All rights reserved."),)),
        Chapter(title="One", blocks=(heading("ONE"), paragraph("The first chapter begins."))),
        Chapter(title="Two", blocks=(paragraph("It does not say what it is called."),)),
        Chapter(title="Notes", matter="back", role="notes", blocks=(paragraph("A note."),)),
    ),
)


# --- which chapters


def test_the_body_is_spoken_unless_somebody_wants_more() -> None:
    assert [chapter.title for chapter in planned(LIBRARY).chapters] == ["One", "Two"]
    assert [chapter.number for chapter in planned(LIBRARY, chapters="all").chapters] == [1, 2, 3, 4]
    assert [chapter.number for chapter in planned(LIBRARY, chapters="1,3-4").chapters] == [1, 3, 4]


def test_chapters_follow_each_other_without_a_gap() -> None:
    plan = planned(LIBRARY, chapters="all")
    assert [chapter.first for chapter in plan.chapters] == [0, *(chapter.first + chapter.count for chapter in plan.chapters[:-1])]
    assert sum(chapter.count for chapter in plan.chapters) == len(plan.segments)


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ("5", "there is no chapter 5; the document has 4"),
        ("0", "a range goes"),
        ("3-2", "a range goes"),
        ("two", "numbers and ranges"),
        ("٣", "n"),
    ],
)
def test_chapters_that_are_not_there(wish: str, problem: str) -> None:
    with pytest.raises(InvalidChapters, match=problem):
        planned(LIBRARY, chapters=wish)


def test_front_matter_alone_is_spoken() -> None:
    assert len(planned(dataclasses.replace(LIBRARY, chapters=LIBRARY.chapters[:1])).segments) == 2


def test_a_title_is_spoken_once() -> None:
    plan = planned(LIBRARY)
    assert [text for text, _ in told(plan)] == ["ONE", "The first chapter begins.", "Two", "It does not say what it is called."]


def test_a_title_that_names_its_part_too_is_spoken_instead_of_its_heading() -> None:
    chapter = Chapter(title="Part One: The Whale", blocks=(heading("The Whale"), paragraph("It swims.")))
    assert [text for text, _ in told(planned(Document(chapters=(chapter,))))] == ["Part One: The Whale", "It swims."]


def test_a_title_whose_number_is_written_otherwise_is_the_same_title() -> None:
    chapter = Chapter(title="II. Friendship", blocks=(heading("2. Friendship"), paragraph("It lasts.")))
    assert [text for text, _ in told(planned(Document(chapters=(chapter,))))] == ["2. Friendship", "It lasts."]


def test_the_list_names_every_chapter_and_what_is_spoken_of_it() -> None:
    listed = chapter_list(LIBRARY, planned(LIBRARY))
    assert [(chapter["number"], chapter["title"], chapter["spoken"], chapter["first_segment"]) for chapter in listed] == [
        (1, "Copyright", False, None), (2, "One", True, 0), (3, "Two", True, 2), (4, "Notes", False, None),
    ]  # fmt: skip
    assert listed[1]["segments"] == 2
    assert listed[1]["estimated_seconds"] > 1


def test_the_plan_says_of_the_document_what_it_says_of_itself() -> None:
    document = planned(LIBRARY).document
    assert (document.title, document.author, document.language) == ("A library", "Somebody", "en-GB")
    assert document.omissions == ("3 code blocks",)


def test_a_text_without_structure_has_no_chapters() -> None:
    assert planned(a_book(paragraph("Words."))).chapters == ()


# --- silence


def test_silence_follows_the_structure() -> None:
    long = "This sentence is long enough to be spoken by itself, alone."
    first = Chapter(title="", blocks=(heading("A"), paragraph(f"{long} {long}"), paragraph("B."), heading("C"), paragraph("D.")))
    plan = planned(Document(chapters=(first, Chapter(title="E", blocks=(paragraph("E, and more."),)))))
    assert told(plan) == [
        ("A", 0.4), (long, 0.1), (long, 0.2), ("B.", 0.4), ("C", 0.4), ("D.", 0.8), ("E, and more.", 0.0),
    ]  # fmt: skip


def test_verse_keeps_its_lines() -> None:
    verse = Block(kind="verse", text="April is the cruellest month, breeding\nLilacs out of the dead land,\n\nmixing")
    assert told(planned(a_book(verse, paragraph("Prose.")))) == [
        ("April is the cruellest month, breeding", LINE), ("Lilacs out of the dead land,", LINE), ("mixing", 0.2), ("Prose.", 0.0),
    ]  # fmt: skip


def test_items_of_a_list_are_closer_than_paragraphs() -> None:
    items = [Block(kind="item", text=text) for text in ("One.", "Two.")]
    assert told(planned(a_book(*items, paragraph("End.")))) == [("One.", 0.1), ("Two.", 0.2), ("End.", 0.0)]


def test_a_break_between_scenes_is_heard() -> None:
    plan = planned(a_book(paragraph("One."), paragraph("* * *"), paragraph("Two.")))
    assert told(plan) == [("One.", 0.4), ("Two.", 0.0)]
    assert plan.document.omissions == ("not said: '* * *'",)


# --- voices


def test_each_language_has_its_voice() -> None:
    plan = planned(a_book(paragraph(f"{ENGLISH} {VIETNAMESE}"), paragraph("Problem / Vấn đề")), BOTH)
    assert [(segment.text, segment.voice, segment.engine, segment.language) for segment in plan.segments] == [
        (ENGLISH, "", "", ""), (VIETNAMESE, "an", "viettts", "vi"), ("Problem", "", "", ""), ("Vấn đề", "an", "viettts", "vi"),
    ]  # fmt: skip
    assert len({segment.address for segment in plan.segments}) == 4


def test_one_voice_speaks_everything_by_its_own_rules() -> None:
    plan = planned(a_book(paragraph(f"{ENGLISH} {VIETNAMESE}")), ALONE)
    assert {(segment.voice, segment.language) for segment in plan.segments} == {("", "")}


def test_a_short_text_in_two_languages_is_several_segments() -> None:
    assert len(plan_text("Problem / Vấn đề", cast=BOTH).segments) == 2
    assert len(plan_text("Problem / Vấn đề", cast=ALONE).segments) == 1


def test_a_language_that_the_document_names_decides_what_could_be_either() -> None:
    (segment,) = planned(a_book(paragraph("Minh", language="vi")), BOTH).segments
    assert segment.voice == "an"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (dataclasses.replace(LIBRARY, language="fr"), "its language is 'fr', and the voice 'ann' speaks en-US"),
        (a_book(paragraph("Это книга на русском языке.")), "the document is written in Cyrillic letters; the voice ann speaks en-US"),
    ],
)
def test_a_document_in_a_language_that_no_voice_speaks_is_refused(document: Document, said: str) -> None:
    with pytest.raises(UnsupportedLanguage, match=said):
        planned(document)


def test_a_voice_of_another_language_reads_its_own() -> None:
    russian = Cast(main=part("anna", "ru-RU"))
    assert planned(dataclasses.replace(a_book(paragraph("Это книга.")), language="ru"), russian).segments[0].text == "Это книга."


# --- what is said


def test_what_is_said_has_its_place_in_what_is_written() -> None:
    lexicon = Lexicon.parse({"BTC": "the organising committee", "Loa": "loah"})
    (segment,) = planned(a_book(paragraph("Here BTC asks Loa again.")), lexicon=lexicon).segments
    assert segment.spoken == "Here the organising committee asks loah again."
    for spoken, written in (("organising", "BTC"), ("asks", "asks"), ("loah", "Loa"), ("again", "again")):
        assert segment.text[segment.source_offset(segment.spoken.index(spoken)) :].startswith(written)


def test_what_grew_too_long_is_cut_once_more() -> None:
    words = "one two three four five six seven eight nine ten"
    text = ", ".join(f"number X{n}" for n in range(20)) + "."
    lexicon = Lexicon.parse({f"X{n}": f"{words} {n}" for n in range(20)})
    plan = planned(a_book(paragraph(text)), lexicon=lexicon)
    assert len(plan.segments) > 2
    assert all(len(segment.spoken) <= 450 for segment in plan.segments)
    assert " ".join(segment.text for segment in plan.segments) == text
    assert " ".join(segment.spoken for segment in plan.segments) == ", ".join(f"number {words} {n}" for n in range(20)) + "."
    for segment in plan.segments:
        for start, end, spoken_start, spoken_end in segment.changes:
            assert lexicon.entries["all"][segment.text[start:end]] == segment.spoken[spoken_start:spoken_end]


def test_a_change_longer_than_a_segment_is_cut_inside() -> None:
    spoken = "word " * 200
    said = Said(
        text="a X b", spoken=f"a {spoken.strip()} b", changes=(Change(start=2, end=3, source="X", spoken=spoken.strip(), rule="r"),)
    )
    parts = [part for part, _ in cut(said, "en", 100)]
    assert all(len(part.spoken) <= 110 for part in parts)
    assert parts[0].text == "a X"
    assert parts[-1].text.endswith("b")
    assert " ".join(part.spoken for part in parts) == said.spoken


def test_what_cannot_be_said_is_told() -> None:
    plan = planned(a_book(paragraph("Xin chào."), paragraph("…"), paragraph("中")), Cast(main=VI))
    told_of = " ".join(plan.document.omissions)
    assert "中" in told_of
    assert "…" in told_of


def test_nothing_to_say_is_an_error() -> None:
    with pytest.raises(EmptyText):
        planned(a_book(paragraph("…")))


WORDS = st.lists(
    st.sampled_from([*ENGLISH.split(), *VIETNAMESE.split(), "X1", "/", "—", "(a)", "“b”", "etc.", "No.", "\n"]), min_size=1, max_size=60
)


@given(blocks=st.lists(WORDS.map(" ".join), min_size=1, max_size=6), both=st.booleans(), verse=st.booleans())
def test_no_word_is_lost_and_none_is_added(blocks: list[str], both: bool, verse: bool) -> None:
    document = a_book(paragraph("Start."), *(paragraph(text, kind="verse" if verse else "paragraph") for text in blocks))
    plan = planned(document, BOTH if both else ALONE)
    written = "".join(filter(str.isalnum, "Start." + "".join(blocks)))
    assert "".join(filter(str.isalnum, "".join(segment.text for segment in plan.segments))) == written
    for segment in plan.segments:
        assert all(0 <= start <= end <= len(segment.text) for start, end, _, _ in segment.changes)
