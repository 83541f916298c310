"""The vits engine as the worker sees it."""

from __future__ import annotations

import itertools
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from loa.errors import BrokenManifest, Unspeakable
from loa.settings import Settings
from tests.engines import tiny_voice
from worker.engines.base import Passage, Speech, VoiceState
from worker.engines.vits import Engine
from worker.engines.vits.weights import build

BOOK = (
    "It was late.",
    "Mr. Smith, who had come by the early train, asked for the keys; nobody had them. “Really?” he said.",
    "Twenty-five people were in the room, and all of them were looking at me as if I had said something quite extraordinary!",
    "Why?",
    "The rain had stopped. They walked home along the river, and nobody said a word until the lights of the town came into view.",
)


ROUNDING = 1.5e-5  # of float32 sums in another order: half of a step of the 16 bits that audio is stored with


def same(one: Speech, other: Speech) -> None:
    assert one.pcm.shape == other.pcm.shape
    assert np.abs(one.pcm - other.pcm).max() <= ROUNDING
    assert one.words == other.words


def test_a_batch_sounds_as_its_passages_alone(vits: Engine, tiny: VoiceState) -> None:
    passages = [
        Passage(text=text, voice=tiny, seed=seed, speed=speed)
        for seed, (text, speed) in enumerate(zip(BOOK, (1, 1, 2, 0.5, 1), strict=True))
    ]
    for together, passage in zip(vits.synthesize(passages), passages, strict=True):
        (alone,) = vits.synthesize([passage])
        same(together, alone)
    for shuffled, passage in zip(vits.synthesize(passages[::-1]), passages[::-1], strict=True):
        (alone,) = vits.synthesize([passage])
        same(shuffled, alone)


def test_a_batch_of_a_real_voice_sounds_as_its_passages_alone(vits: Engine, joe_files: dict[str, Path]) -> None:
    joe = vits.make_voice(tiny_voice.voice("joe"), joe_files)
    passages = [Passage(text=text, voice=joe, seed=seed) for seed, text in enumerate(BOOK)]
    for together, passage in zip(vits.synthesize(passages), passages, strict=True):
        (alone,) = vits.synthesize([passage])
        same(together, alone)


def test_passages_of_several_voices_share_a_call(vits: Engine, tiny: VoiceState, tmp_path: Path) -> None:
    high = vits.make_voice(tiny_voice.voice("high"), tiny_voice.write(tmp_path, tiny_voice.HIGH, speakers=2))
    passages = [Passage(text=BOOK[0], voice=voice, seed=7) for voice in (tiny, high, tiny)]
    first, other, again = vits.synthesize(passages)
    same(first, again)
    assert len(first.pcm) != len(other.pcm)


def test_the_seed_decides_the_noise(vits: Engine, tiny: VoiceState) -> None:
    one, same_seed, other = vits.synthesize([Passage(text=BOOK[0], voice=tiny, seed=seed) for seed in (1, 1, 2)])
    same(one, same_seed)
    assert len(one.pcm) != len(other.pcm) or np.abs(one.pcm - other.pcm).max() > 0.01


def test_seeds_that_share_their_low_bits_differ(vits: Engine, tiny: VoiceState) -> None:
    one, other = vits.synthesize([Passage(text=BOOK[0], voice=tiny, seed=seed) for seed in (5, 5 + 2**40)])
    assert len(one.pcm) != len(other.pcm) or np.abs(one.pcm - other.pcm).max() > 0.01


def test_without_noise_the_seed_is_nothing(plain_vits: Engine, joe: VoiceState) -> None:
    one, other = plain_vits.synthesize([Passage(text=BOOK[0], voice=joe, seed=seed) for seed in (1, 2)])
    same(one, other)


def test_speed_shortens_speech(plain_vits: Engine, joe: VoiceState) -> None:
    slow, normal, fast = plain_vits.synthesize([Passage(text=BOOK[2], voice=joe, speed=speed) for speed in (0.5, 1.0, 2.0)])
    assert slow.seconds / normal.seconds == pytest.approx(2, rel=0.15)
    assert fast.seconds / normal.seconds == pytest.approx(0.5, rel=0.3)  # no phoneme is shorter than a frame


def test_words_follow_the_text_and_the_sound(plain_vits: Engine, joe: VoiceState) -> None:
    for text in BOOK:
        (speech,) = plain_vits.synthesize([Passage(text=text, voice=joe)])
        assert all(text[word.offset :].startswith(word.text) for word in speech.words)
        assert [word.text for word in speech.words] == [token.strip(".,;!?“”") for token in text.split()]
        times = [time for word in speech.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= speech.seconds
        assert all(word.end - word.start >= 0.01 for word in speech.words)
        said = _power(speech, [(word.start, word.end) for word in speech.words])
        gaps = [(one.end, other.start) for one, other in itertools.pairwise(speech.words) if other.start - one.end > 0.2]
        assert all(_power(speech, [gap]) < said / 20 for gap in [*gaps, (0.0, times[0]), (times[-1] + 0.05, speech.seconds)])


def test_the_pause_between_sentences_is_silence(plain_vits: Engine, joe: VoiceState) -> None:
    both, first, second = plain_vits.synthesize([Passage(text=text, voice=joe) for text in ("It was late. Why?", "It was late.", "Why?")])
    pause = round(0.25 * 22050)
    assert len(both.pcm) == len(first.pcm) + pause + len(second.pcm)
    assert not both.pcm[len(first.pcm) : len(first.pcm) + pause].any()
    assert both.words[-1].start == pytest.approx((len(first.pcm) + pause) / 22050 + second.words[0].start)


def test_what_cannot_be_said_is_named_and_leaves_the_others_alone(vits: Engine, tiny: VoiceState) -> None:
    good, bad, fine = vits.synthesize([Passage(text=text, voice=tiny) for text in ("Hello.", "… — ?!", "Good bye.")])
    assert isinstance(good, Speech)
    assert isinstance(fine, Speech)
    assert isinstance(bad, Unspeakable)
    assert "… — ?!" in bad.message
    assert "tiny" in bad.message


def test_phonemes_without_an_id_are_left_out(vits: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    few = {phoneme: [number] for number, phoneme in enumerate("_^$ həo")}
    voice = vits.make_voice(tiny_voice.voice("few"), tiny_voice.write(tmp_path, phoneme_id_map=few))
    with caplog.at_level(logging.WARNING):
        spoken, silent = vits.synthesize([Passage(text=text, voice=voice) for text in ("Hello, hello.", "Miss.")])
    assert isinstance(spoken, Speech)
    assert isinstance(silent, Unspeakable)
    assert sum("'l'" in record.message for record in caplog.records) == 1  # said once a voice


def test_a_voice_of_letters_needs_no_espeak(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path, phoneme_type="text")
    voice = vits.make_voice(tiny_voice.voice("letters"), files)
    (speech,) = vits.synthesize([Passage(text="a good day", voice=voice)])
    assert [(word.text, word.offset) for word in speech.words] == [("a", 0), ("good", 2), ("day", 7)]


def test_vietnamese_is_said_by_the_vietnamese_espeak(vits: Engine, tmp_path: Path) -> None:
    voice = vits.make_voice(tiny_voice.voice("vi", "vi-VN"), tiny_voice.write(tmp_path, language="vi"))
    text = "Xin chào TP. HCM, thành phố của tôi."
    (speech,) = vits.synthesize([Passage(text=text, voice=voice)])
    assert [word.text for word in speech.words] == ["Xin", "chào", "TP", "HCM", "thành", "phố", "của", "tôi"]
    assert voice.module.phonemizer.alone("chào") != voice.module.phonemizer.alone("chao")


def test_a_passage_without_an_end_is_cut_into_rows(vits: Engine, tiny: VoiceState) -> None:
    text = "and then " * 150
    script = tiny.module.phonemizer.script(text)
    assert len(script.rows) > 1
    assert all(len(row.phonemes) <= 500 and row.pause == 0 for row in script.rows)
    (speech,) = vits.synthesize([Passage(text=text, voice=tiny)])
    assert len(speech.words) == 300
    assert all(one.end <= next_.start + 1e-9 for one, next_ in itertools.pairwise(speech.words))


def test_a_voice_is_a_dict_of_tensors_that_the_model_runs_on(vits: Engine, tiny: VoiceState) -> None:
    parameters = dict(tiny.module.model.named_parameters())
    assert tiny.tensors.keys() == parameters.keys()
    assert all(tiny.tensors[name].data_ptr() == parameters[name].data_ptr() for name in parameters)
    assert tiny.nbytes == sum(parameter.numel() * 4 for parameter in parameters.values())
    assert json.loads(json.dumps(tiny.facts))["sample_rate"] == 22050
    arch = tiny.module.model.arch
    assert type(arch).from_json(json.loads(json.dumps(tiny.facts["architecture"]))) == arch
    copy = build(arch, tiny.tensors)
    assert next(copy.parameters()).data_ptr() == next(tiny.module.model.parameters()).data_ptr()


def test_a_speaker_that_the_voice_has_not_is_refused(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path, speakers=2)
    for speaker in ("p9", 2, -1, 1.5):
        with pytest.raises(BrokenManifest, match="no speaker"):
            vits.make_voice(tiny_voice.voice(speaker=speaker), files)


def test_every_warm_shape_runs(vits: Engine, tiny: VoiceState) -> None:
    shapes = vits.warm_shapes()
    assert len(set(shapes)) == len(shapes)
    assert {shape.part for shape in shapes} == {"encode", "transform", "decode"}
    for shape in shapes:
        vits.warm(tiny, shape)


def test_a_common_sentence_meets_warm_shapes_only(vits: Engine, tiny: VoiceState, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.module.model
    seen: set[tuple[str, int, int]] = set()
    for part in ("encode", "transform", "decode"):
        original = getattr(model, part)

        def watched(x: torch.Tensor, *rest: object, part: str = part, original: object = original) -> object:
            seen.add((part, *x.shape[:2]))
            return original(x, *rest)

        monkeypatch.setattr(model, part, watched)
    vits.synthesize([Passage(text="She sells sea shells.", voice=tiny, speed=2)])
    assert {part for part, _, _ in seen} == {"encode", "transform", "decode"}
    assert seen <= {tuple(shape) for shape in vits.warm_shapes()}


def _power(speech: Speech, stretches: list[tuple[float, float]]) -> float:
    """Mean square of what is heard in these seconds; 0 for none."""
    heard = np.concatenate([speech.pcm[round(start * speech.sample_rate) : round(end * speech.sample_rate)] for start, end in stretches])
    return float(np.square(heard).mean()) if len(heard) else 0.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_says_what_the_cpu_says(plain_vits: Engine, joe: VoiceState, joe_files: dict[str, Path]) -> None:
    device = torch.device("cuda", torch.cuda.device_count() - 1)
    engine = Engine(plain=True)
    engine.load(device, Settings.load({}))
    voice = engine.make_voice(tiny_voice.voice("joe"), joe_files)
    assert {tensor.device for tensor in voice.tensors.values()} == {device}
    for shape in engine.warm_shapes()[:5]:
        engine.warm(voice, shape)
    passages = [Passage(text=text, voice=voice) for text in BOOK]
    for there, passage in zip(engine.synthesize(passages), passages, strict=True):
        (here,) = plain_vits.synthesize([Passage(text=passage.text, voice=joe)])
        assert there.pcm.shape == here.pcm.shape
        assert np.corrcoef(there.pcm, here.pcm)[0, 1] >= 0.999
