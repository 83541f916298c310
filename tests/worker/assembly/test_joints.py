"""Parts that were encoded one by one and joined sound as if they had been encoded in one go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loa.formats import Coding
from loa.plan import Segment
from tests.worker.assembly.listening import hear
from tests.worker.assembly.voices import decibels, phrase
from worker.assembly.codecs import CODECS, Encoder, Packets
from worker.assembly.files import write_mp4, write_packets
from worker.assembly.labels import Labels
from worker.assembly.loudness import Level
from worker.assembly.measures import Measure
from worker.assembly.parts import Part
from worker.assembly.timeline import Grid, Volume, lay_out

RATES: dict[Coding, int] = {"aac": 22050, "mp3": 22050, "opus": 48000}
FAITHFUL: dict[Coding, float] = {"aac": 20.0, "mp3": 18.0, "opus": 10.0}  # dB: how far a codec's own error lies below the sound
PAUSES = (0.25, 0.6, 0.0, 0.21, 1.5, 0.0)


class Book:
    """Some parts with pauses between them, as samples and as packets."""

    def __init__(self, coding: Coding) -> None:
        self.rate = RATES[coding]
        self.encoder: Encoder = CODECS[coding].at(self.rate)
        lengths = np.random.default_rng(1).uniform(0.5, 2.0, len(PAUSES))
        self.pcm = [phrase(seconds, seed, self.rate) for seed, seconds in enumerate(lengths)]
        parts = [
            Part(chapter=None, segments=(Segment(index=index, text="x", address="0" * 64, audio_seconds=1.0, pause=pause),))
            for index, pause in enumerate(PAUSES)
        ]
        measures = [Measure(sample_rate=self.rate, samples=len(pcm), level=Level(), segments=()) for pcm in self.pcm]
        self.volume: Volume = lay_out(parts, measures, self.rate, Grid.of(self.encoder))
        self.ideal = np.cumsum([0, *(len(pcm) + round(pause * self.rate) for pcm, pause in zip(self.pcm, PAUSES, strict=True))])

    @property
    def whole(self) -> np.ndarray:
        """Everything where the layout has it."""
        whole = np.zeros(self.volume.samples, dtype=np.float32)
        for pcm, place in zip(self.pcm, self.volume.places, strict=True):
            whole[place.start : place.start + len(pcm)] = pcm
        return whole

    def pieces(self) -> list[Packets]:
        silence = self.encoder.silence
        pieces = []
        for number, (pcm, place) in enumerate(zip(self.pcm, self.volume.places, strict=True)):
            pieces.append(Packets(sizes=np.full(place.silence, len(silence), dtype=np.uint32), data=silence * place.silence))
            pieces.append(self.encoder.encode([pcm], len(pcm), first=number == 0))
        return pieces

    def heard(self, coding: Coding, pieces: list[Packets], folder: Path) -> np.ndarray:
        target, count = folder / "x", sum(len(piece.sizes) for piece in pieces)
        if coding == "aac":
            write_mp4(target, self.encoder, pieces, count, self.volume.samples, Labels(), audiobook=True)
        else:
            container = "mp3" if coding == "mp3" else "ogg"
            write_packets(target, container, self.encoder, pieces, count, self.volume.samples, Labels())
        heard = hear(target)
        assert heard.sample_rate == self.rate
        return heard.pcm


@pytest.mark.parametrize("coding", CODECS)
def test_joined_parts_sound_like_one_piece(coding: Coding, tmp_path: Path) -> None:
    book = Book(coding)
    whole = book.whole
    joined = book.heard(coding, book.pieces(), tmp_path)
    continuous = book.heard(coding, [book.encoder.encode([whole], len(whole), first=True)], tmp_path)
    slack = book.encoder.frame if coding == "aac" else 0  # FFmpeg's decoder does not trim the last frame of an MP4 as its edit list has it
    assert 0 <= len(joined) - len(whole) <= slack
    joined, continuous = joined[: len(whole)], continuous[: len(whole)]
    assert decibels(whole, continuous - whole) > FAITHFUL[coding]
    assert decibels(whole, joined - whole) > decibels(whole, continuous - whole) - 1.0
    for place, pcm in zip(book.volume.places[1:], book.pcm[1:], strict=True):
        around = slice(place.start - round(0.03 * book.rate), place.start + round(0.05 * book.rate))
        worst = np.abs(joined[around] - whole[around]).max()
        assert worst <= 2 * np.abs(continuous[around] - whole[around]).max() + 0.003, "a joint that can be heard"
        silent = slice(place.start - round(0.02 * book.rate), place.start - 8)
        assert np.abs(joined[silent]).max() < 0.01
        assert len(pcm)


@pytest.mark.parametrize("coding", CODECS)
def test_pauses_are_rounded_to_packets_and_it_never_adds_up(coding: Coding) -> None:
    book = Book(coding)
    roomy = book.encoder.frame + book.encoder.delay + Grid.of(book.encoder).lead
    late = 0
    for place, ideal, pause in zip(book.volume.places[1:], book.ideal[1:], PAUSES, strict=False):
        late = 0 if round(pause * book.rate) >= roomy + late else late + roomy
        assert -book.encoder.frame <= 2 * (place.start - ideal) <= book.encoder.frame + 2 * late


def test_a_thousand_parts_do_not_drift() -> None:
    encoder = CODECS["aac"].at(22050)
    part = Part(chapter=None, segments=(Segment(index=0, text="x", address="0" * 64, audio_seconds=1.0, pause=0.6),))
    measure = Measure(sample_rate=22050, samples=22051, level=Level(), segments=())
    volume = lay_out([part] * 1000, [measure] * 1000, 22050, Grid.of(encoder))
    step = 22051 + 13230
    assert max(abs(place.start - number * step) for number, place in enumerate(volume.places)) <= encoder.frame / 2


def test_a_part_of_another_length_than_announced_is_refused() -> None:
    encoder = CODECS["aac"].at(22050)
    with pytest.raises(ValueError, match="announced"):
        encoder.encode([np.zeros(1000, dtype=np.float32)], 999, first=True)


def test_packets_survive_and_damage_is_seen() -> None:
    packets = Packets(sizes=np.array([2, 3], dtype=np.uint32), data=b"abcde")
    packed = packets.pack()
    assert list(Packets.unpack(packed)) == [b"ab", b"cde"]
    for damaged in (packed[:-1], packed[:5], packed[:-1] + b"f", b""):
        with pytest.raises(ValueError, match="packets with"):
            Packets.unpack(damaged)
