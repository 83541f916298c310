"""From a written text to a spoken one, whatever the language."""

from __future__ import annotations

import re

import pytest

from loa.saying import Rule, Said, changes_of, say
from loa.saying.addresses import EMAIL, HANDLE, URL, parts
from loa.saying.emoji import EMOJI, plain


class Words:
    """A source of wordings: a lexicon without a file."""

    def __init__(self, name: str, words: dict[str, str]) -> None:
        self.name, self.words, self.asked = name, words, []

    def rules(self, language: str) -> tuple[Rule, ...]:
        self.asked.append(language)
        pattern = "|".join(map(re.escape, self.words)) or "(?!)"
        return (Rule(name=self.name, pattern=re.compile(pattern), speak=lambda match: self.words[match.group()]),)


def test_a_language_without_rules_is_said_as_it_is_written() -> None:
    assert say("Zimmer 5 👾", "de-DE") == Said(text="Zimmer 5 👾", spoken="Zimmer 5 👾")


def test_a_language_without_rules_has_its_lexicon() -> None:
    assert say("Zimmer 5", "de", lexicon=Words("lexicon", {"5": "fünf"})).spoken == "Zimmer fünf"


def test_a_lexicon_comes_before_the_context_and_both_before_the_language() -> None:
    lexicon, context = Words("lexicon", {"BTC": "bít coin"}), Words("context", {"BTC": "ban tổ chức", "15/8": "rằm"})
    said = say("BTC, 15/8, 5", "vi-VN", lexicon=lexicon, context=context)
    assert said.spoken == "bít coin, rằm, năm"
    assert [change.rule for change in said.changes] == ["lexicon", "context", "number"]
    assert lexicon.asked == context.asked == ["vi"]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("5km/h", "năm ki lô mét trên giờ"),
        ("abc5def", "abc năm def"),
        ("Hoà", "Hòa"),  # a part of a word is not parted from the rest of it
        ("a 👾 an", "a an"),
        ("a👾an", "a an"),
        ("a 👾.", "a."),
        ("👾 a", "a"),
        ("a 👾", "a"),
        ("* a *", "a"),
        ("**a**", "a"),
        ("a 漢½ b", "a một phần hai bê"),  # changes that touch
        ("👾 ½", "một phần hai"),
        ("#привет!", "thăng!"),
    ],
)
def test_blanks(written: str, spoken: str) -> None:
    assert say(written, "vi").spoken == spoken


def test_marks_that_are_only_drawn_are_changes_and_no_loss() -> None:
    said = say("một * hai", "vi")
    assert said.unsayable == ()
    assert [change.rule for change in said.changes] == ["mark"]


def test_letters_of_other_scripts_are_reported_word_by_word() -> None:
    assert say("a Лев Толстой b", "vi").unsayable == ("Лев", "Толстой")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    ("written", "unsayable"),
    [
        ("#привет và @мир", ("привет", "мир")),
        ("https://loa.vn/привет", ("привет",)),
        ("http://loa.мир", ("мир",)),
    ],
)
def test_letters_of_other_scripts_are_reported_in_addresses_too(written: str, unsayable: tuple[str, ...], language: str) -> None:
    said = say(written, language)
    assert said.unsayable == unsayable
    assert not re.search("[а-я]", said.spoken)


def test_what_a_rule_would_say_although_no_voice_can_is_reported() -> None:
    context = Words("context", {"ВОЗ": "Всемирная", "x": "y Я z"})
    said = say("a (ВОЗ) x", "en", context=context)
    assert (said.spoken, said.unsayable) == ("a () y z", ("Всемирная", "Я"))
    assert [(change.source, change.rule) for change in said.changes] == [("ВОЗ", "unsayable"), ("x", "context")]
    assert say("https://loa.vn/%D0%BF%F0%9F%98%82", "en").unsayable == ("П", "😂")


def test_what_a_lexicon_says_stands() -> None:
    said = say("x", "en", lexicon=Words("lexicon", {"x": "4 привет"}))
    assert (said.spoken, said.unsayable) == ("4 привет", ())


def test_a_rule_goes_on_behind_what_another_has_taken() -> None:
    first = Rule(name="first", pattern=re.compile("b"), speak=lambda _: "B")
    second = Rule(name="second", pattern=re.compile("[a-z]{2}"), speak=lambda match: match.group().upper())
    assert [(change.source, change.rule) for change in changes_of("abcd", (first, second))] == [("b", "first"), ("cd", "second")]


def test_a_rule_is_not_tried_where_what_it_needs_is_absent() -> None:
    tried: list[str] = []
    rule = Rule(name="r", pattern=re.compile("a"), speak=lambda match: tried.append(match.group()) or "b", needs=re.compile(r"\d"))
    assert changes_of("a", [rule]) == []
    assert not tried
    assert changes_of("a1", [rule])[0].spoken == "b"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("xem https://loa.vn/a?b=1.", "https://loa.vn/a?b=1"),
        ("(https://loa.vn)", "https://loa.vn"),
        ("xem www.loa.vn, nhé", "www.loa.vn"),
        ("loa.com.vn/tin-tuc!", "loa.com.vn/tin-tuc"),
        ("http://127.0.0.1:8298/v1", "http://127.0.0.1:8298/v1"),
        ("youtu.be/abc", "youtu.be/abc"),
    ],
)
def test_urls(text: str, address: str) -> None:
    assert URL.search(text)[0] == address  # type: ignore[index]


@pytest.mark.parametrize("text", ["TP.HCM", "PGS.TS", "xong.me con", "3.14", "a@b", "v.v.", "Mr.Smith", "1.000.000"])
def test_what_is_no_url(text: str) -> None:
    assert URL.search(text) is None


def test_emails() -> None:
    assert EMAIL.findall("Gửi info@loa.vn, hoặc a.b-c+1@x.com.vn.") == ["info@loa.vn", "a.b-c+1@x.com.vn"]
    assert EMAIL.search("a@@b.vn @c.vn") is None


def test_handles() -> None:
    found = [match.group() for match in HANDLE.finditer("@loa.vn. #vui #1 C# a@b #привет #¼")]
    assert found == ["@loa.vn", "#vui"]


def test_parts_of_an_address() -> None:
    assert [*parts("https://a1.vn")] == [("word", "a"), ("figures", "1"), ("mark", "."), ("word", "vn")]


@pytest.mark.parametrize("emoji", ["😂", "👍🏽", "❤️", "🇻🇳", "👨‍👩‍👧", "1️⃣", "🏳️‍🌈"])
def test_one_emoji_is_one(emoji: str) -> None:
    assert EMOJI.fullmatch(emoji)
    assert "\ufe0f" not in plain(emoji)
