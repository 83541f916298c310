"""Lexicons: what an entry matches, which of two wins, and what is refused."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from loa.errors import InvalidLexicon
from loa.saying.lexicon import MOST_JOB_ENTRIES, Lexicon
from loa.saying.say import say


def said(text: str, tables: dict[str, Any], language: str = "en") -> str:
    return say(text, language, lexicon=Lexicon.parse(tables)).spoken


@pytest.mark.parametrize(
    ("tables", "text", "spoken"),
    [
        ({"Nguyen": "win"}, "Mr Nguyen came; nguyen did not.", "Mister win came; nguyen did not."),
        ({"gif": "jiff"}, "A GIF, a gif, a gift.", "A jiff, a jiff, a gift."),
        ({"New York": "the city", "New": "old"}, "New York, New\u00a0York and New Jersey", "the city, the city and old Jersey"),
        ({"C++": "see plus plus"}, "C++ or C++?", "see plus plus or see plus plus?"),
        ({"o'clock": "on the clock"}, "At five o’clock.", "At five on the clock."),
        ({"rock 'n' roll": "rock and roll"}, "Rock ’n’ roll!", "rock and roll!"),
        ({"2K": "two kay"}, "in 2K", "in two kay"),
        ({"re\u0301sume\u0301": "CV"}, "my résumé", "my CV"),
    ],
)
def test_an_entry_stands_for_whole_words(tables: dict[str, str], text: str, spoken: str) -> None:
    assert said(text, tables) == spoken


def test_tables_hold_for_their_language_and_the_common_one_for_all() -> None:
    tables = {"vi": {"BTC": "ban tổ chức"}, "en": {"BTC": "bitcoin"}, "all": {"Loa": "loah"}}
    assert said("BTC Loa", tables, "vi-VN") == "ban tổ chức loah"
    assert said("BTC Loa", tables, "en-US") == "bitcoin loah"
    assert said("BTC Loa", tables, "fr") == "BTC loah"


def test_the_entries_of_a_job_win() -> None:
    server, job = Lexicon.parse({"en": {"Ahab": "captain", "Loa": "low"}}), Lexicon.parse({"en": {"Ahab": "ay hab"}})
    assert say("Ahab, Loa", "en", lexicon=job.over(server)).spoken == "ay hab, low"


def test_the_rules_of_a_language_leave_alone_what_the_lexicon_said() -> None:
    assert said("$5 and 1905", {"$5": "a fiver"}) == "a fiver and nineteen oh five"


@pytest.mark.parametrize(
    "tables",
    [
        {"word": ""},
        {"word": "…"},
        {"word": 5},
        {"": "word"},
        {"x" * 101: "word"},
        {"word": "x" * 301},
        {"fr": {"word": "mot"}},
        {"vi": {"word": {"deep": "er"}}},
        {f"w{number}": "word" for number in range(MOST_JOB_ENTRIES + 1)},
        ["word"],
    ],
)
def test_what_says_nothing_or_too_much_is_refused(tables: Any) -> None:
    with pytest.raises(InvalidLexicon):
        Lexicon.parse(tables)


def test_a_file_is_read_and_an_error_names_it(tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_text('[vi]\n"BTC" = "ban tổ chức"\n', encoding="utf-8")
    assert say("BTC", "vi", lexicon=Lexicon.load(file)).spoken == "ban tổ chức"
    file.write_text('"BTC" = ""\n', encoding="utf-8")
    for path in (file, tmp_path / "absent.toml", tmp_path):
        with pytest.raises(InvalidLexicon, match=str(path)):
            Lexicon.load(path)
    file.write_bytes(b'"BTC" = "\xff"')
    with pytest.raises(InvalidLexicon, match=str(file)):
        Lexicon.load(str(file))
    assert Lexicon.load("") == Lexicon({})


def test_callers_may_share_a_lexicon() -> None:
    lexicon = Lexicon.parse({f"word{number}": f"spoken {'x' * (number % 7)}" for number in range(500)} | {"one": "two"})
    said: list[str] = []
    threads = [Thread(target=lambda: said.append(say("one for all", "en", lexicon=lexicon).spoken)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["two for all"] * 16
