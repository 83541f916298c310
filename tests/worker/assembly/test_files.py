"""The files themselves: what players read of them, and what becomes of them on a full disk."""

from __future__ import annotations

import io
import resource
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from loa.errors import StorageFull
from loa.formats import Coding
from tests.worker.assembly.listening import hear
from tests.worker.assembly.voices import RATE, phrase
from worker.assembly import mp4
from worker.assembly.codecs import CODECS
from worker.assembly.files import write_flac, write_mp4, write_packets
from worker.assembly.labels import Labels, Mark
from worker.assembly.lame_tag import tell_padding
from worker.assembly.pictures import Picture, picture

Write = Callable[[Path, Labels], None]
VOICE = phrase(3.0)


def drawn(codec: str, pixels: str) -> bytes:
    """A picture of 48 × 64 pixels."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.time_base = 48, 64, pixels, Fraction(1, 25)
    grey = np.random.default_rng(0).integers(0, 255, (64, 48, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=pixels)
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


JPEG, PNG = drawn("mjpeg", "yuvj420p"), drawn("png", "rgb24")


def m4b(target: Path, labels: Labels) -> None:
    encoder = CODECS["aac"].at(RATE)
    packets = encoder.encode([VOICE], len(VOICE), first=True)
    write_mp4(target, encoder, [packets], len(packets.sizes), len(VOICE), labels, audiobook=True)


def mp3(target: Path, labels: Labels) -> None:
    encoder = CODECS["mp3"].at(RATE)
    packets = encoder.encode([VOICE], len(VOICE), first=True)
    write_packets(target, "mp3", encoder, [packets], len(packets.sizes), len(VOICE), labels)


def opus(target: Path, labels: Labels) -> None:
    encoder = CODECS["opus"].at(48000)
    pcm = phrase(3.0, rate=48000)
    packets = encoder.encode([pcm], len(pcm), first=True)
    write_packets(target, "ogg", encoder, [packets], len(packets.sizes), len(pcm), labels)


def flac(target: Path, labels: Labels) -> None:
    write_flac(target, np.array_split(VOICE, 5), RATE, labels)


WRITERS: dict[str, Write] = {"m4b": m4b, "mp3": mp3, "opus": opus, "flac": flac}
rates = {"opus": 48000}


def labels(name: str, cover: bytes | None = JPEG) -> Labels:
    rate = rates.get(name, RATE)
    marks = [("Mở đầu", 0.0, 0.74), ("Chapter “One” & more", 0.74, 1.6), ("Chương 2", 1.6, 3.0)]
    chapters = tuple(Mark(title=title, start=round(start * rate), end=round(end * rate)) for title, start, end in marks)
    return Labels(title="Số đỏ", author="Vũ Trọng Phụng", language="vi", cover=picture(cover) if cover else None, chapters=chapters)


@pytest.mark.parametrize("cover", [JPEG, PNG], ids=["jpeg", "png"])
@pytest.mark.parametrize("name", WRITERS)
def test_players_find_chapters_cover_and_metadata(name: str, cover: bytes, tmp_path: Path) -> None:
    target, told = tmp_path / f"x.{name}", labels(name, cover)
    WRITERS[name](target, told)
    heard = hear(target)
    assert {key.lower(): value for key, value in heard.metadata.items()}.items() >= {("title", "Số đỏ"), ("artist", "Vũ Trọng Phụng")}
    assert heard.covers == 1
    assert [title for title, _, _ in heard.chapters] == [mark.title for mark in told.chapters]
    rate = rates.get(name, RATE)
    for (_, start, end), mark in zip(heard.chapters, told.chapters, strict=True):
        assert start == pytest.approx(mark.start / rate, abs=0.002)
        assert end == pytest.approx(mark.end / rate, abs=0.002) or name in ("opus", "flac")  # they hold only starts
    assert heard.sample_rate == rate
    assert len(heard.pcm) == pytest.approx(3 * rate, abs=1024 if name == "m4b" else 0)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("missing", [1, 100, 3000])
def test_a_full_disk_is_noticed_however_few_bytes_are_missing(name: str, missing: int, tmp_path: Path) -> None:
    target = tmp_path / f"x.{name}"
    WRITERS[name](target, labels(name))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (target.stat().st_size - missing, hard))
    try:
        with pytest.raises(StorageFull, match="no space left"):
            WRITERS[name](target, labels(name))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not target.exists()


def test_an_m4b_begins_with_its_index(tmp_path: Path) -> None:
    """So that a player can begin before it has the whole."""
    m4b(tmp_path / "x", labels("m4b"))
    content, boxes, position = (tmp_path / "x").read_bytes(), [], 0
    while position < len(content):
        size, name = struct.unpack_from(">I4s", content, position)
        boxes.append(name)
        position += size if size != 1 else struct.unpack_from(">Q", content, position + 8)[0]
    assert (boxes, position) == ([b"ftyp", b"moov", b"mdat"], len(content))
    assert content[8:12] == b"M4B "


def test_an_m4b_says_to_the_sample_what_is_to_be_played(tmp_path: Path) -> None:
    m4b(tmp_path / "x", Labels())
    content = (tmp_path / "x").read_bytes()
    count, samples, delay = struct.unpack_from(">IIi", content, content.index(b"elst") + 8)
    assert (count, samples, delay) == (1, len(VOICE), CODECS["aac"].at(RATE).delay)


def test_a_very_long_m4b_counts_in_64_bits() -> None:
    encoder = CODECS["aac"].at(RATE)
    sizes = np.full(6_000_000, 300, dtype=np.uint32)  # 77 hours
    book = mp4.Book(encoder=encoder, sizes=sizes, samples=len(sizes) * 1024, labels=labels("m4b"), audiobook=True)
    head = mp4.head(book)
    assert b"co64" in head
    assert b"stco" not in head
    (last,) = struct.unpack_from(">Q", head, head.index(b"co64") + 12 + 8 * (len(sizes) // mp4.CHUNK - 1))
    assert last == len(head) + 300 * mp4.CHUNK * (len(sizes) // mp4.CHUNK - 1)


def test_an_m4b_of_more_chapters_than_a_list_holds(tmp_path: Path) -> None:
    marks = tuple(Mark(title=f"{number}", start=number * 200, end=(number + 1) * 200) for number in range(300))
    m4b(tmp_path / "x", Labels(chapters=marks))
    assert len(hear(tmp_path / "x").chapters) == 300


def test_a_title_that_is_too_long_for_an_m4b_is_cut_between_two_characters(tmp_path: Path) -> None:
    title = "aữ" + "ữ" * 20_000  # three bytes each, of which an odd one leaves two
    m4b(tmp_path / "x", Labels(chapters=(Mark(title=title, start=0, end=len(VOICE)),)))
    ((told, _, _),) = hear(tmp_path / "x").chapters
    assert told.strip("ữ") == "a"
    assert (tmp_path / "x").read_bytes().count("aữ".encode() + "ữ".encode() * 80) == 2, "in both lists"


def test_an_mp3_says_where_it_begins_and_ends(tmp_path: Path) -> None:
    mp3(tmp_path / "x", labels("mp3", PNG))
    assert len(hear(tmp_path / "x").pcm) == len(VOICE)
    (tmp_path / "y").write_bytes(b"no mp3 at all" * 20)
    with pytest.raises(ValueError, match="no frame"):
        tell_padding(tmp_path / "y", 1105, 0)


def test_kinds_and_sizes_of_pictures() -> None:
    for content, kind in ((JPEG, "image/jpeg"), (PNG, "image/png")):
        assert picture(content) == Picture(media_type=kind, width=48, height=64, content=content)
    for content in (b"", b"GIF89a...", JPEG[:20], PNG[:12], b"\xff\xd8\xff\xe0", PNG[:16] + bytes(20), b"<svg/>"):
        assert picture(content) is None
    assert picture(JPEG[:2] + b"\xff\xff\xe1\x00\x04ab" + JPEG[2:]) is not None


def test_flac_is_exact(tmp_path: Path) -> None:
    flac(tmp_path / "x", Labels())
    heard = hear(tmp_path / "x")
    np.testing.assert_array_equal(np.rint(heard.pcm * 32768), np.rint(VOICE * 32767))
    assert av.open(io.BytesIO((tmp_path / "x").read_bytes())).streams.audio[0].codec_context.name == "flac"


@pytest.mark.parametrize(("coding", "container"), [("mp3", "mp3"), ("opus", "ogg")])
def test_packets_that_do_not_come_are_missed(tmp_path: Path, coding: Coding, container: str) -> None:
    encoder = CODECS[coding].at(48000)
    packets = encoder.encode([VOICE], len(VOICE), first=True)
    count = len(packets.sizes)
    with pytest.raises(ValueError, match=f"{count} packets came where {count + 1} were announced"):
        write_packets(tmp_path / "x", container, encoder, [packets], count + 1, len(VOICE), Labels())
    assert not (tmp_path / "x").exists()
