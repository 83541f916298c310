"""How figures are written for people."""

from __future__ import annotations

import pytest

from loa.cli.output import print_facts, print_table, seconds, size, yes_no


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (0.0, "0 ms"),
        (0.0042, "4 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.10 s"),
        (1.234, "1.23 s"),
        (75.04, "75.0 s"),
        (599.9, "599.9 s"),
        (4000, "66 min 40 s"),
        (3599.6, "60 min 0 s"),
    ],
)
def test_seconds(value: float | None, text: str | None) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown size"),
        (0, "unknown size"),
        (1, "1 B"),
        (999, "999 B"),
        (4794, "4.8 kB"),
        (63_201_294, "63.2 MB"),
        (5 * 10**12, "5.0 TB"),
    ],
)
def test_size(count: int | None, text: str) -> None:
    assert size(count) == text


def test_unknown_is_an_answer() -> None:
    assert [yes_no(value) for value in (True, False, None)] == ["yes", "no", "unknown"]


def test_tables_take_text_literally(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("title",), [("[bold]not markup[/bold] :smile:",), (None,)])
    *_, row, empty = capsys.readouterr().out.splitlines()
    assert row.strip() == "[bold]not markup[/bold] :smile:"
    assert empty.strip() == "-"


def test_facts_that_are_not_there_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"state": "queued", "error": None})
    assert capsys.readouterr().out.split() == ["state", "queued"]
