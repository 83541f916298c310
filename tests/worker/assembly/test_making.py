"""Whole books: what they hold and where, what is kept of them, and how they go on."""

from __future__ import annotations

import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loa.audio import pack_segment
from loa.errors import AssemblyFailed
from loa.formats import FORMATS
from loa.plan import Plan
from tests.worker.assembly.listening import hear
from tests.worker.assembly.shop import TITLES, Shop
from tests.worker.assembly.test_files import JPEG
from tests.worker.assembly.voices import RATE, decibels, phrase
from worker import paths
from worker.assembly import loudness
from worker.assembly.binding import bind
from worker.assembly.codecs import Packets
from worker.assembly.files import samples_of
from worker.assembly.loudness import Meter
from worker.assembly.making import Effort, Joined, Making
from worker.assembly.parts import Part
from worker.assembly.segments import QUIET, SegmentMissing, smooth_edges
from worker.assembly.stock import Unfinished
from worker.assembly.timeline import Volume, lay_out
from worker.assembly.transcript import write_transcript
from worker.completeness import verify


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def made(shop: Shop, plan: Plan, name: str, **options: object) -> tuple[Making, Path]:
    making = shop.making(plan, name, **options)
    making.prepare(None)
    target = shop.folder / f"book.{FORMATS[name].extension}"
    bind(making, shop.artifacts, target)
    return making, target


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("zip", "ogg")])
def test_every_segment_is_where_the_timings_say(shop: Shop, name: str) -> None:
    plan = shop.plan()
    making, target = made(shop, plan, name)
    heard = hear(target)
    assert len(heard.pcm) / heard.sample_rate == pytest.approx(making.seconds, abs=0.05 if name[:2] == "m4" else 1e-4)
    rate = heard.sample_rate
    floor = 25.0 if FORMATS[name].lossless else 3.0
    for line in making.lines():
        pcm = shop.pcm[line.segment.index]
        assert line.end - line.start == pytest.approx(len(pcm) / RATE, abs=1e-3)
        if rate == RATE:
            begin = round(line.start * rate)
            found = heard.pcm[begin : begin + len(pcm)]
            assert decibels(pcm, found - pcm[: len(found)]) > floor
    joined = Joined(making)
    assert len(list(joined)) == len(plan.segments)
    verify(len(plan.segments), joined.placed, (), samples_of(target, making.encoder), making.tolerance)


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_file_is_as_long_as_its_plan(shop: Shop, name: str) -> None:
    """Also without any pauses, and without some segments. One that is shorter than that is refused."""
    plan = shop.plan()
    hurried = replace(plan, segments=tuple(replace(segment, pause=0.0) for segment in plan.segments))
    for book, missing in ((plan, ()), (hurried, ()), (plan, {0, 5}), (shop.plan(1, chapters=1), ())):
        making = shop.making(book, name, missing=missing)
        making.prepare(None)
        joined = Joined(making)
        segments = len(list(joined))
        samples = bind(making, shop.artifacts, shop.folder / "x")
        verify(len(book.segments), joined.placed, missing, samples, making.tolerance)
        lost = samples - 2 * making.tolerance - 1
        with pytest.raises(AssemblyFailed, match="its segments and pauses have"):
            verify(len(book.segments), joined.placed, missing, lost, making.tolerance)
    assert segments == 1


@pytest.mark.parametrize("name", ["m4b", "mp3", "opus", "flac", "wav"])
def test_a_pause_that_is_lost_is_noticed(shop: Shop, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layout forgets the pauses between parts, and the file is as the layout has it."""

    def pressed(parts: list[Part], *rest: Any, **options: Any) -> Volume:
        return lay_out([replace(part, segments=(replace(part.segments[-1], pause=0.0),)) for part in parts], *rest, **options)

    plan = shop.plan()
    monkeypatch.setattr("worker.assembly.making.lay_out", pressed)
    making = shop.making(plan, name)
    making.prepare(None)
    joined = Joined(making)
    list(joined)
    samples = bind(making, shop.artifacts, shop.folder / "x")
    with pytest.raises(AssemblyFailed, match="its segments and pauses have"):
        verify(len(plan.segments), joined.placed, (), samples, making.tolerance)


@pytest.mark.parametrize("name", ["m4b", "mp3", "opus", "flac"])
def test_chapters_begin_with_their_first_segment(shop: Shop, name: str) -> None:
    plan = shop.plan()
    path = f"documents/{'0' * 64}.jpg"
    shop.artifacts.write(path, JPEG)
    plan = replace(plan, document=replace(plan.document, cover=path))
    making, target = made(shop, plan, name)
    heard = hear(target)
    starts = {line.segment.index: line.start for line in making.lines()}
    ideal = np.cumsum([0.0, *(len(shop.pcm[one.index]) / RATE + one.pause for one in plan.segments)])
    assert [title for title, _, _ in heard.chapters] == list(TITLES)
    assert heard.covers == 1
    for (_, start, _), chapter, told in zip(heard.chapters, plan.chapters, making.chapters(), strict=True):
        assert start == pytest.approx(starts[chapter.first], abs=0.002)
        assert start == pytest.approx(told["start"], abs=0.002)
        assert start == pytest.approx(ideal[chapter.first], abs=0.05)  # as the plan has its pauses


def test_ogg_has_title_and_author_and_wav_has_nothing(shop: Shop) -> None:
    _, ogg = made(shop, shop.plan(), "ogg")
    tags = {name.lower(): value for name, value in hear(ogg).metadata.items()}
    assert tags.items() >= {("title", "Moby-Dick"), ("artist", "Herman Melville"), ("album", "Moby-Dick")}
    _, wav = made(shop, shop.plan(), "wav")
    assert hear(wav).metadata == {}


def test_a_zip_has_one_file_a_chapter(shop: Shop) -> None:
    making, target = made(shop, shop.plan(), "zip")
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["01 Loomings.mp3", "02 The Carpet-Bag.mp3", "03 Thư _viện_ _ Library.mp3"]
        archive.extractall(shop.folder / "out")
    files = [hear(shop.folder / "out" / name) for name in archive.namelist()]
    assert sum(len(file.pcm) for file in files) == making.length
    assert files[1].metadata.items() >= {("title", "The Carpet-Bag"), ("album", "Moby-Dick"), ("track", "2/3")}
    assert [mark["start"] for mark in making.chapters()] == [
        pytest.approx(sum(len(file.pcm) for file in files[:place]) / RATE, abs=1e-3) for place in range(3)
    ]
    assert not list(shop.folder.glob("*.mp3"))


def test_a_book_has_one_gain_and_its_peak_is_kept(shop: Shop) -> None:
    plan = shop.plan()
    for target, most in ((-30.0, 0.0), (-3.0, -1.0)):
        making, path = made(shop, plan, "m4b", loudness=target)
        heard = hear(path)
        meter = Meter(heard.sample_rate)
        meter.add(heard.pcm)
        level = meter.level()
        assert level.loudness is not None
        assert level.loudness == pytest.approx(making.loudness, abs=0.3)
        assert 20 * np.log10(level.peak) <= most
        if target == -30.0:
            assert level.loudness == pytest.approx(target, abs=0.3)
        else:
            assert level.loudness < target


def test_one_passage_stays_as_it_was_spoken(shop: Shop) -> None:
    plan = shop.plan(1, chapters=1)
    making, path = made(shop, plan, "wav", loudness=-30.0)
    assert (making.gain, making.loudness) == (0.0, None)
    np.testing.assert_allclose(hear(path).pcm, shop.pcm[0], atol=1e-4)
    assert shop.parts() == set()


def test_a_book_goes_on_where_it_was(shop: Shop) -> None:
    plan = shop.plan()
    done = 0
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):  # each task has time for one part
            making = shop.making(plan, "m4b", loudness=-23.0)
            try:
                making.prepare(Effort(pool=pool, threads=1, until=time.monotonic() - 1))
            except Unfinished:
                assert len(shop.parts()) > done, "a task that did nothing"
                done = len(shop.parts())
            else:
                break
    assert len(shop.parts()) == 2 * len(making.parts) == 6
    bind(making, shop.artifacts, shop.folder / "a")
    in_one_go, target = made(shop, plan, "m4b", loudness=-23.0)
    assert (shop.folder / "a").read_bytes() == target.read_bytes()
    assert in_one_go.gain == making.gain


def test_of_a_changed_book_only_the_change_is_made(shop: Shop) -> None:
    made(shop, shop.plan(), "m4b")
    before = shop.parts()
    changed, _ = made(shop, shop.plan(changed={4: "Call me Jonah."}), "m4b")
    assert len(shop.parts() - before) == 2  # what is known of one part, and its packets
    other, _ = made(shop, shop.plan(), "mp3")
    assert len(shop.parts() - before) == 2 + 3  # packets of another codec
    assert changed.sample_rate == other.sample_rate


def test_a_gain_that_was_taken_before_is_taken_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change moves the loudness over the border between two gains: the rest of the book is not encoded anew."""
    plan = shop.plan()
    first, _ = made(shop, plan, "m4b", loudness=-23.0)
    before = shop.parts()
    again, _ = made(shop, plan, "m4b", loudness=-23.0 + loudness.GAIN_STEP)
    assert again.gain == first.gain
    assert shop.parts() == before
    far, _ = made(shop, plan, "m4b", loudness=-25.0)
    assert far.gain < first.gain - 1.5


def test_damaged_parts_are_made_again(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    plan = shop.plan()
    _, target = made(shop, plan, "m4b", loudness=-23.0)
    whole = target.read_bytes()
    parts = shop.parts()
    for path in parts:
        place = shop.artifacts.local_path(path)
        assert place is not None
        place.write_bytes(place.read_bytes()[:-7])
    _, target = made(shop, plan, "m4b", loudness=-23.0)
    assert target.read_bytes() == whole
    assert caplog.text.count("is damaged") == len(parts)


def test_parts_with_too_few_packets_are_made_again(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    _, target = made(shop, shop.plan(), "mp3")
    whole = target.read_bytes()
    short = min(path for path in shop.parts() if path.endswith(".packets"))
    found = Packets.unpack(shop.artifacts.read(short))
    shop.artifacts.delete(short)
    shop.artifacts.write(short, Packets(sizes=found.sizes[:-1], data=found.data[: -int(found.sizes[-1])]).pack())
    _, target = made(shop, shop.plan(), "mp3")
    assert target.read_bytes() == whole
    assert "where the part takes" in caplog.text


def spoken_again(shop: Shop, plan: Plan, index: int, seconds: float) -> None:
    """A segment was swept, and another take of the same words has another length."""
    path = paths.segment(plan.segments[index].address)
    shop.artifacts.delete(path)
    shop.pcm[index] = phrase(seconds, seed=77)
    shop.artifacts.write(path, pack_segment(shop.pcm[index], RATE, ()))


@pytest.mark.parametrize("name", ["m4b", "mp3", "opus", "flac", "wav", "zip"])
def test_a_segment_that_was_spoken_again_is_measured_again(shop: Shop, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The book was made before, and what is known of its parts is of the old take."""
    plan = shop.plan()
    made(shop, plan, name)
    spoken_again(shop, plan, 4, 2.6)
    with pytest.raises(Unfinished):
        made(shop, plan, name, loudness=-30.0)
    assert "spoken again" in caplog.text
    making, target = made(shop, plan, name, loudness=-30.0)
    lines = list(making.lines())
    assert lines[4].end - lines[4].start == pytest.approx(len(shop.pcm[4]) / RATE, abs=1e-3)
    if name != "zip":
        heard = hear(target)
        assert len(heard.pcm) / heard.sample_rate == pytest.approx(making.seconds, abs=0.05)


@pytest.mark.parametrize("name", ["m4b", "mp3", "opus"])
def test_packets_of_an_older_take_are_not_taken(shop: Shop, name: str) -> None:
    """Its measure was swept and made anew: what was encoded of the other is not joined to it."""
    plan = shop.plan()
    _, old = made(shop, plan, name)
    before = hear(old)
    spoken_again(shop, plan, 4, 2.6)
    for path in shop.parts():
        if path.endswith(".json"):
            shop.artifacts.delete(path)
    making, target = made(shop, plan, name)
    heard = hear(target)
    assert len(heard.pcm) > len(before.pcm)
    assert len(heard.pcm) / heard.sample_rate == pytest.approx(making.seconds, abs=0.05)


def test_a_part_that_is_never_what_was_measured_fails(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.assembly.stock.stitched", lambda *_: iter([np.zeros(1000, dtype=np.float32)]))
    with pytest.raises(AssemblyFailed, match="1,000 came"):
        made(shop, shop.plan(), "mp3")


def test_a_segment_that_is_gone_is_named(shop: Shop) -> None:
    plan = shop.plan()
    shop.artifacts.delete(paths.segment(plan.segments[4].address))
    with ThreadPoolExecutor(2) as pool, pytest.raises(SegmentMissing) as gap:
        shop.making(plan, "m4b").prepare(Effort(pool=pool, threads=2, until=time.monotonic() + 60))
    assert gap.value.index == 4


def test_missing_segments_are_left_out(shop: Shop) -> None:
    plan = shop.plan()
    making, target = made(shop, plan, "m4b", missing={0, 3, 4, 5})
    assert [line.segment.index for line in making.lines()] == [1, 2, 6, 7, 8]
    assert [title for title, _, _ in hear(target).chapters] == [TITLES[0], TITLES[2]]


def test_timings_and_subtitles(shop: Shop) -> None:
    plan = shop.plan()
    making, _ = made(shop, plan, "m4b")
    files = {"srt": shop.folder / "x.srt", "vtt": shop.folder / "x.vtt"}
    write_transcript(making.lines(), making.facts(), shop.folder / "timings.json", files)
    timings = json.loads((shop.folder / "timings.json").read_text())
    assert [entry["text"] for entry in timings["segments"]] == [segment.text for segment in plan.segments]
    assert timings["duration_seconds"] == pytest.approx(making.seconds, abs=1e-3)
    words = [word for entry in timings["segments"] for word in entry["words"]]
    cues = files["srt"].read_text().strip().split("\n\n")
    assert len(cues) == files["vtt"].read_text().count(" --> ") == len([word for word in words if word["text"] == "Call"]) * 2
    for cue, word in zip(cues[::2], [word for word in words if word["text"] == "Call"], strict=True):
        hours, minutes, seconds = cue.split("\n")[1].split(" --> ")[0].replace(",", ".").split(":")
        assert int(hours) * 3600 + int(minutes) * 60 + float(seconds) == pytest.approx(word["start"], abs=0.002)


def test_subtitles_are_cut_by_the_rules_of_the_voice_that_speaks(shop: Shop) -> None:
    """Not by those of the document's tag; and of a segment in another language by its own."""
    text = "Trung tâm TP. Hồ Chí Minh nằm ở phía nam của đất nước. Đó là một thành phố lớn."
    plan = shop.plan(2, chapters=1, changed={0: text, 1: f"{text} Call me Ishmael."})
    foreign = replace(plan.segments[1], language="en")
    plan = replace(plan, segments=(plan.segments[0], foreign))
    assert plan.document.language == "en"
    making = shop.making(plan, "wav", language="vi")
    making.prepare(None)
    first, second = ([cue.text.replace("\n", " ") for cue in line.cues()] for line in making.lines())
    assert first[0].startswith("Trung tâm TP. Hồ Chí Minh")
    assert second[0] == "Trung tâm TP."


def test_edges_are_faded_only_where_they_click() -> None:
    silent = np.concatenate([np.full(5, QUIET / 2), np.full(2000, 0.5), np.full(5, -QUIET / 2)]).astype(np.float32)
    assert smooth_edges(silent, RATE) is silent
    rough = smooth_edges(np.full(2000, 0.5, dtype=np.float32), RATE)
    assert rough[0] == 0
    assert abs(rough[-1]) < 0.001
    assert (rough[100:-100] == 0.5).all()
    assert np.abs(np.diff(rough)).max() < 0.02
    for short in (np.zeros(0, dtype=np.float32), np.full(1, 0.5, dtype=np.float32)):
        assert smooth_edges(short, RATE) is short


@pytest.mark.parametrize("name", ["m4b", "wav"])
def test_voices_of_different_rates_come_at_the_highest(shop: Shop, name: str) -> None:
    plan = shop.plan(3)
    low = replace(plan.segments[1], address="a" * 64, voice="other")
    shop.artifacts.write(paths.segment("a" * 64), pack_segment(phrase(1.0, rate=16000), 16000, ()))
    making, target = made(shop, replace(plan, segments=(plan.segments[0], low, plan.segments[2])), name)
    assert making.sample_rate == hear(target).sample_rate == RATE
    lines = list(making.lines())
    assert lines[1].end - lines[1].start == pytest.approx(1.0, abs=1e-3)
