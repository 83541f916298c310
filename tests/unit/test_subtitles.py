"""Subtitles: whole sentences, short lines, the times of the words, valid files."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.subtitles import LINE, LONGEST, Captions, Cue, Timed, cues, from_timings

BLOCK = re.compile(r"(\d\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d\d+):(\d\d):(\d\d)[,.](\d{3})\n((?:.+\n)+)\n")


def spoken(text: str, start: float = 0.0, pace: float = 0.3) -> list[Timed]:
    """Every word of a text, one after the other."""
    return [
        Timed(start + number * pace, start + (number + 0.9) * pace, word.start()) for number, word in enumerate(re.finditer(r"\w+", text))
    ]


def shown(text: str, language: str = "en", pace: float = 0.3) -> list[Cue]:
    words = spoken(text, pace=pace)
    return list(cues(text, language, words, 0.0, words[-1].end))


def test_a_sentence_is_a_cue_from_its_first_word_to_its_last() -> None:
    first, second = shown("Call me Ishmael. Dr. Who came by.")
    assert (first.text, second.text) == ("Call me Ishmael.", "Dr. Who came by.")
    assert (first.start, first.end) == (0.0, pytest.approx(2.9 * 0.3))
    assert (second.start, second.end) == (pytest.approx(3 * 0.3), pytest.approx(6.9 * 0.3))


LONG = (
    "Some years ago, never mind how long precisely, having little or no money in my purse, and nothing particular to interest me on "
    "shore, I thought I would sail about a little and see the watery part of the world."
)


def test_a_long_sentence_is_cut_at_its_clauses() -> None:
    found = shown(LONG)
    assert " ".join(cue.text.replace("\n", " ") for cue in found) == LONG
    assert all(len(line) <= LINE for cue in found for line in cue.text.split("\n"))
    assert all(cue.text.count("\n") <= 1 and cue.end - cue.start <= LONGEST for cue in found)
    assert sum(cue.text.endswith(",") for cue in found[:-1]) >= len(found) - 2


def test_slow_speech_is_cut_by_time() -> None:
    found = shown("One two three four five six seven eight nine ten", pace=1.1)
    assert len(found) == 2
    assert all(cue.end - cue.start <= LONGEST for cue in found)


def test_a_word_that_no_two_lines_hold_is_broken() -> None:
    address = "https://example.org/" + "a" * 150
    found = list(cues(f"See {address} there.", "en", [Timed(0, 0.4, 0), Timed(0.5, 6.5, 4), Timed(6.6, 7, 5 + len(address))], 0, 7))
    assert "".join(cue.text for cue in found).replace("\n", "").replace(" ", "") == f"See{address}there."
    assert all(len(line) <= LINE for cue in found for line in cue.text.split("\n"))
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


def test_what_is_said_in_other_words_keeps_its_place() -> None:
    """ "am 5. Mai" said as one: its later tokens have no words of their own."""
    text = "He came on 5 May 1999 at last."
    words = [
        Timed(0, 0.2, 0),
        Timed(0.3, 0.5, 3),
        Timed(0.5, 0.6, 8),
        Timed(0.6, 0.9, 11),
        Timed(0.9, 1.9, 11),
        Timed(2, 2.2, 22),
        Timed(2.3, 2.6, 25),
    ]
    (cue,) = cues(text, "en", words, 0.0, 2.6)
    assert (cue.text, cue.start, cue.end) == (text, 0.0, 2.6)


def test_without_times_of_words_the_passage_is_shared_out() -> None:
    first, second = cues("One two. Three four.", "en", [], 10.0, 14.0)
    assert (first.start, second.end) == (10.0, pytest.approx(14.0))
    assert first.end <= second.start == pytest.approx(11.8, abs=0.2)


def test_a_sentence_without_words_is_shown_between_its_neighbours() -> None:
    found = list(cues("One. ??? Two.", "en", [Timed(0.0, 1.0, 0), Timed(2.0, 3.0, 9)], 0.0, 3.0))
    assert " ".join(cue.text for cue in found) == "One. ??? Two."


def test_nothing_to_show() -> None:
    assert list(cues("  ", "en", [], 0.0, 1.0)) == []


def test_vietnamese_abbreviations_end_no_sentence() -> None:
    assert [cue.text for cue in shown("PGS.TS. Nguyễn Văn A ở TP. Hồ Chí Minh. Ông ấy đến.", "vi-VN")][-1] == "Ông ấy đến."


def test_srt_as_players_want_it() -> None:
    captions = Captions("srt")
    assert captions.head == ""
    made = captions.add([Cue(0.0, 1.5, "One\ntwo"), Cue(3723.0004, 3724.25, "a --> b")])
    assert made == "1\n00:00:00,000 --> 00:00:01,500\nOne\ntwo\n\n2\n01:02:03,000 --> 01:02:04,250\na → b\n\n"


def test_vtt_as_browsers_want_it() -> None:
    captions = Captions("vtt")
    assert captions.head == "WEBVTT\n\n"
    assert captions.add([Cue(0.0, 1.5, "A <b> & c --> d")]) == "00:00:00.000 --> 00:00:01.500\nA &lt;b&gt; &amp; c --&gt; d\n\n"


def test_cues_never_overlap_nor_vanish() -> None:
    captions = Captions("srt")
    made = captions.add([Cue(1.0, 2.0, "a"), Cue(1.9, 1.9, "b"), Cue(1.95, 3.0, "c")])
    times = [[int(number) for number in match.groups()[2:4] + match.groups()[6:8]] for match in BLOCK.finditer(made)]
    assert times == [[1, 0, 2, 0], [2, 0, 2, 1], [2, 1, 3, 0]]


def test_a_whole_file_out_of_timings() -> None:
    timings = {
        "segments": [
            {"text": "Hello there.", "start": 1.0, "end": 2.0, "words": [{"text": "Hello", "start": 1.1, "end": 1.5, "offset": 0}]},
            {"text": "And now.", "start": 2.5, "end": 3.0, "words": []},
        ]
    }
    assert from_timings(timings, "vtt") == (
        "WEBVTT\n\n00:00:01.100 --> 00:00:01.500\nHello there.\n\n00:00:02.500 --> 00:00:03.000\nAnd now.\n\n"
    )


@given(st.lists(st.text(alphabet="abcđ.,!?“”- ", min_size=1, max_size=60), min_size=1, max_size=6), st.floats(0.01, 2))
def test_every_text_is_shown_as_a_whole_in_valid_cues(pieces: list[str], pace: float) -> None:
    text = " ".join(" ".join(pieces).split())
    words = spoken(text, pace=pace)
    end = words[-1].end if words else 1.0
    found = list(cues(text, "en", words, 0.0, end))
    assert "".join(cue.text for cue in found).replace("\n", "").replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= LINE and line for cue in found for line in cue.text.split("\n"))
    blocks = BLOCK.findall(Captions("srt").add(found))
    assert len(blocks) == len(found)
    assert all(cue.start <= cue.end for cue in found)
    assert all(before.end <= after.start + 1e-9 for before, after in itertools.pairwise(found))
