"""Text to rows of phonemes, and words to their places in them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piper import PiperVoice

from tests.engines import tiny_voice
from worker.engines.vits.config import VoiceConfig
from worker.engines.vits.phonemes import Phonemizer, Script
from worker.engines.vits.words import place_words, words_of


@pytest.fixture(scope="module")
def english(joe_files: dict[str, Path]) -> Phonemizer:
    return Phonemizer(VoiceConfig.read(joe_files["config"]), "en-US")


def said(script: Script) -> list[str]:
    return ["".join(row.phonemes) for row in script.rows]


def heard(script: Script) -> dict[str, str]:
    """Each word with what is said of it."""
    stream = [phoneme for row in script.rows for phoneme in row.phonemes]
    return {word.text: "".join(stream[word.first : word.last]) for word in script.words}


@pytest.mark.parametrize("text", ["Hello, world!", "Is it (really) so; yes: no?", "One. Two. Three.", "no end", "3.14 is π, and 🙂"])
def test_ids_are_pipers(english: Phonemizer, joe_files: dict[str, Path], text: str) -> None:
    piper = PiperVoice.load(joe_files["model"], joe_files["config"])
    theirs = [piper.phonemes_to_ids(phonemes) for phonemes in piper.phonemize(text)]
    assert [english.ids(row)[0] for row in english.script(text).rows] == theirs


def test_an_abbreviation_ends_no_row(english: Phonemizer) -> None:
    assert said(english.script("Mr. Smith met Dr. Who. They left.")) == ["mˈɪstɚ smˈɪθ mˈɛt dˈɑːktɚ hˈuː.", "ðeɪ lˈɛft."]


def test_a_question_within_a_sentence_is_a_row_with_a_shorter_pause(english: Phonemizer) -> None:
    rows = english.script("“Really?” he asked. I nodded.\n\nWe went.").rows
    assert ["".join(row.phonemes) for row in rows] == ["ɹˈiəli?", "hiːʲ ˈæskt.", "aɪ nˈɑːdᵻd.", "wiː wˈɛnt."]
    assert [row.pause for row in rows] == [0.1, 0.25, 0.6, 0.0]


@pytest.mark.parametrize("text", ["", "...", "— ?!", "\n\n", "\0"])
def test_nothing_to_say(english: Phonemizer, text: str) -> None:
    assert english.script(text) == Script(rows=(), words=())


def test_words_that_are_joined_expanded_or_reduced(english: Phonemizer) -> None:
    places = heard(english.script("Of the people in 1984, I paid for a book: $5!"))
    assert places["Of"] == "ʌv"
    assert places["the"] == "ðə"  # said as one with "of"
    assert places["1984"] == "nˈaɪntiːnhˈʌndɹɪd ˈeɪɾi fˈɔːɹ"
    assert places["a"] == "ə"  # by itself it is said "ˈeɪ"
    assert places["$5"] == "dˈɑːlɚ fˈaɪv"


def test_words_know_their_place_in_the_text() -> None:
    text = "  “Well,” she said—“don't (ever) pay 50%…or #1 & me.”"
    words = words_of(text)
    assert [word.text for word in words] == ["Well", "she", "said", "don't", "ever", "pay", "50%", "or", "#1", "&", "me"]
    assert all(text[word.offset : word.offset + len(word.text)] == word.text for word in words)


def test_words_that_the_stream_lacks_have_no_place() -> None:
    assert place_words([["a"], ["…"], ["b"]], ["a", " ", "b"]) == [(0, 1), None, (2, 3)]
    assert place_words([["a"], ["b"]], ["a"]) == [(0, 1), None]
    assert place_words([], ["a"]) == []
    assert place_words([["a"]], []) == [None]


@settings(deadline=None)
@given(st.lists(st.text("abcˈ", max_size=4), max_size=8), st.text("abcdˈ ,.", max_size=30))
def test_places_never_overlap(words: list[str], stream: str) -> None:
    places = place_words([list(word) for word in words], list(stream))
    assert len(places) == len(words)
    position = 0
    for place in places:
        if place is not None:
            first, last = place
            assert position <= first < last <= len(stream)
            position = last


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_a_script(text: str) -> None:
    script = Phonemizer(VoiceConfig.from_json(tiny_voice.config()), "en-US").script(text)
    phonemes = sum(len(row.phonemes) for row in script.rows)
    for word in script.words:
        assert text[word.offset : word.offset + len(word.text)] == word.text
        assert 0 <= word.first < word.last <= phonemes


def test_clusters_are_one_phoneme() -> None:
    config = VoiceConfig.from_json(tiny_voice.config(vowel_clusters=[["o", "ʊ"], ["a", "ɪ"]]))
    assert Phonemizer(config, "en-US").script("Hello").rows[0].phonemes[-1] == "oʊ"


def test_threads_of_two_languages_do_not_mix(english: Phonemizer) -> None:
    vietnamese = Phonemizer(VoiceConfig.from_json(tiny_voice.config(language="vi")), "vi-VN")
    right = {english: said(english.script("tango a")), vietnamese: said(vietnamese.script("tango a"))}
    assert right[english] != right[vietnamese]
    wrong: list[str] = []

    def speak(phonemizer: Phonemizer) -> None:
        for _ in range(200):
            now = said(phonemizer.script("tango a"))
            wrong.extend(now if now != right[phonemizer] else [])

    threads = [threading.Thread(target=speak, args=(phonemizer,)) for phonemizer in (english, vietnamese) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
