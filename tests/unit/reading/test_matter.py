"""Front matter, text and back matter."""

from __future__ import annotations

import pytest

from loa.reading.document import Block, Chapter
from loa.reading.matter import Signs, by_titles, weigh
from loa.reading.roles import of_title, of_types


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Cover", "cover"),
        ("Title Page", "titlepage"),
        ("Copyright", "copyright"),
        ("COPYRIGHT PAGE", "copyright"),
        ("Table of Contents", "contents"),
        ("THE CONTENTS", None),
        ("Dedication", "dedication"),
        ("Praise for The Whale", "praise"),
        ("Also by Ann Author", "praise"),
        ("Foreword by Ann Author", "foreword"),
        ("Preface to the Second Edition", "preface"),
        ("Author’s Note", "preface"),
        ("Translator's Preface", "preface"),
        ("Acknowledgements", "acknowledgments"),
        ("Acknowledgments", "acknowledgments"),
        ("About the Author", "author"),
        ("1. Introduction", "introduction"),
        ("Prologue", "prologue"),
        ("Epilogue", "epilogue"),
        ("Afterword", "afterword"),
        ("Endnotes", "notes"),
        ("Notes", "notes"),
        ("Notes on a Scandal", None),
        ("Selected Bibliography", "bibliography"),
        ("Further Reading", "bibliography"),
        ("Index", "index"),
        ("Appendix A: Tables", "appendix"),
        ("Glossary", "glossary"),
        ("Colophon", "colophon"),
        ("THE FULL PROJECT GUTENBERG LICENSE", "licence"),
        ("Bìa", "cover"),
        ("Trang bản quyền", "copyright"),
        ("Mục lục", "contents"),
        ("Lời đề tặng", "dedication"),
        ("Lời cảm ơn", "acknowledgments"),
        ("Lời cám ơn", "acknowledgments"),
        ("Lời tựa", "foreword"),
        ("Lời nhà xuất bản", "foreword"),
        ("Lời nói đầu", "preface"),
        ("Lời người dịch", "preface"),
        ("Lời giới thiệu", "introduction"),
        ("Mở đầu", "prologue"),
        ("Vĩ thanh", "epilogue"),
        ("Kết luận", "conclusion"),
        ("Lời bạt", "afterword"),
        ("Chú thích", "notes"),
        ("Ghi chú", "notes"),
        ("Tài liệu tham khảo", "bibliography"),
        ("Phụ lục 1", "appendix"),
        ("Bảng tra cứu", "index"),
        ("Về tác giả", "author"),
        ("Mu\u0323c lu\u0323c", "contents"),
        ("Chương 1: Mở đầu", None),
        ("Chapter 1. Loomings", None),
        ("", None),
        ("12", None),
    ],
)
def test_titles(title: str, role: str | None) -> None:
    found = of_title(title)
    assert (found.name if found is not None else None) == role


def test_types() -> None:
    assert of_types({"frontmatter", "copyright-page"}).name == "copyright"  # type: ignore[union-attr]
    assert of_types({"bodymatter", "chapter"}) is None


def sides(*titles: str) -> str:
    return " ".join(matter for matter, _ in weigh([Signs(title=title, characters=1_000) for title in titles]))


def test_matter_by_titles() -> None:
    assert sides("Cover", "Preface", "One", "Two", "Acknowledgments", "Notes", "Index") == "front front body body back back back"
    assert sides("Acknowledgments", "One", "About the Author") == "front body back"
    assert sides("Prologue", "One", "Epilogue", "Glossary") == "body body body back"


def test_titles_between_chapters_are_titles() -> None:
    assert sides("One", "Index", "Cover", "Contents", "Two") == "body body body body body"


def test_lists_of_notes_between_chapters_are_notes() -> None:
    parts = [Signs(title="One"), Signs(title="Notes", listed=0.9), Signs(title="Notes", listed=0.1), Signs(title="Two")]
    assert [matter for matter, _ in weigh(parts)] == ["body", "back", "body", "body"]


def test_what_a_part_says_of_itself_counts_first() -> None:
    parts = [
        Signs(title="Etymology", types={"frontmatter"}),
        Signs(title="Preface", types={"bodymatter", "chapter"}),
        Signs(title="One"),
        Signs(title="Colours", types={"index"}),
        Signs(title="Two"),
        Signs(title="More", types={"backmatter"}),
    ]
    assert [matter for matter, _ in weigh(parts)] == ["front", "front", "body", "back", "body", "back"]


def test_what_belongs_to_notes_is_notes() -> None:
    parts = [
        Signs(title="One"),
        Signs(title="Notes"),
        Signs(title="Chapter One", above=("Notes",)),
        Signs(title="Chapter Two", above=("Notes",)),
    ]
    assert weigh(parts)[2:] == [("back", "notes"), ("back", "notes")]


def test_where_reading_begins() -> None:
    early = Signs(title="Words", characters=1_000, before_text=True)
    assert [matter for matter, _ in weigh([early, Signs(title="One", characters=9_000)])] == ["front", "body"]
    assert [matter for matter, _ in weigh([early, Signs(title="One", characters=900)])] == ["body", "body"]  # that mark is wrong


def test_a_book_is_never_without_text() -> None:
    assert sides("Cover", "Preface") == "front body"
    assert sides("Contents", "Index") == "body body"


def test_chapters_by_their_titles() -> None:
    chapters = [Chapter(title=title, blocks=(Block(kind="paragraph", text="x"),)) for title in ("Mục lục", "Chương 1", "Lời cảm ơn")]
    assert [(chapter.matter, chapter.role) for chapter in by_titles(chapters)] == [
        ("front", "contents"),
        ("body", "chapter"),
        ("back", "acknowledgments"),
    ]
