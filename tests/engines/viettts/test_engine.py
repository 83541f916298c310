"""The whole engine with a tiny random model: text in, speech out, the same alone and beside others."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from loa.engine_files import EngineFiles, bundles
from loa.errors import BrokenEngine, BrokenManifest, InvalidSetting, StartFailed, Unspeakable
from loa.settings import Settings
from loa.voices import Voice
from tests.engines.viettts import published, tiny_frontend
from tests.spoken import RATE, spoken
from worker.engines.base import Passage, Speech, VoiceState
from worker.engines.viettts import engine as engine_module
from worker.engines.viettts import half, script
from worker.engines.viettts import precision as precision_module
from worker.engines.viettts.engine import Engine
from worker.engines.viettts.model import _groups
from worker.engines.viettts.precision import Precision
from worker.engines.viettts.tokenizer import Tokenizer
from worker.voice_states import pack, unpack

VOICE = Voice(name="someone", title="Someone", engine="viettts", language="vi-VN", licence="Apache-2.0", commercial_use=True)
TEXTS = (
    "Xin chào.",
    "Hôm nay trời đẹp quá, chúng ta đi dạo một vòng quanh hồ nhé! Chiều về, tôi sẽ kể cho bạn nghe câu chuyện về con rùa ở hồ này.",
    "Một câu không có dấu chấm ở cuối",
    "Hello, this is English.",
)
needs_half = pytest.mark.skipif(not half.supported(), reason="this machine's PyTorch has no product of float16 weights (FBGEMM)")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation: the engine's files where `loa engines pull` puts them."""
    folder = tmp_path_factory.mktemp("data")
    weights = folder / "engines" / "viettts"
    weights.mkdir(parents=True)
    published.write(weights)
    tiny_frontend.write(weights, vocabulary=published.TINY.flow.vocabulary)
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    path = tmp_path_factory.mktemp("voice") / "someone.wav"
    soundfile.write(path, spoken(), RATE)
    return {"prompt": path}


@pytest.fixture(scope="module")
def engine(data_dir: Path) -> Engine:
    engine = Engine()
    engine.load(torch.device("cpu"), Settings.load({}, data_dir=str(data_dir)))
    return engine


@pytest.fixture(scope="module")
def voice(engine: Engine, recording: dict[str, Path]) -> VoiceState:
    return engine.make_voice(VOICE, recording)


def say(engine: Engine, *passages: Passage) -> list[Speech]:
    said = engine.synthesize(passages)
    assert all(isinstance(speech, Speech) for speech in said), said
    return said


def test_speech_is_the_same_alone_and_beside_others(engine: Engine, voice: VoiceState) -> None:
    passages = [Passage(text=text, voice=voice, seed=number) for number, text in enumerate(TEXTS)]
    together = say(engine, *passages)
    for passage, beside in zip(passages, together, strict=True):
        (alone,) = say(engine, passage)
        assert np.abs(alone.pcm - beside.pcm).max() <= 1e-5
        assert alone.words == beside.words
        assert alone.sample_rate == 22050
        assert alone.seconds > 0.2
        assert np.isfinite(alone.pcm).all()


def test_the_seed_decides(engine: Engine, voice: VoiceState) -> None:
    one, same, other = say(engine, *(Passage(text=TEXTS[0], voice=voice, seed=seed) for seed in (1, 1, 2)))
    assert np.array_equal(one.pcm, same.pcm)
    assert len(one.pcm) != len(other.pcm) or not np.allclose(one.pcm, other.pcm, atol=1e-3)


def test_faster_is_shorter(engine: Engine, voice: VoiceState) -> None:
    normal, fast = say(engine, *(Passage(text=TEXTS[0], voice=voice, seed=3, speed=speed) for speed in (1.0, 2.0)))
    assert fast.seconds == pytest.approx(normal.seconds / 2, abs=0.02)


def test_words_follow_each_other_through_the_audio(engine: Engine, voice: VoiceState) -> None:
    text = TEXTS[1]
    (speech,) = say(engine, Passage(text=text, voice=voice))
    assert [word.text for word in speech.words] == text.split()
    assert [text[word.offset :][: len(word.text)] for word in speech.words] == text.split()
    assert all(one.start < one.end <= two.start + 1e-9 for one, two in itertools.pairwise(speech.words))
    assert speech.words[-1].end == pytest.approx(speech.seconds)


def test_nothing_to_say_fails_alone(engine: Engine, voice: VoiceState) -> None:
    first, nothing, last = engine.synthesize([Passage(text=text, voice=voice) for text in (TEXTS[0], "…!?", TEXTS[0])])
    assert isinstance(nothing, Unspeakable)
    assert isinstance(first, Speech)
    assert isinstance(last, Speech)
    assert np.array_equal(first.pcm, last.pcm)


def test_special_tokens_are_read_out_as_text() -> None:
    (row,) = script.rows("Xin <|endoftext|> chào.", "vi-VN", Tokenizer())
    assert max(row.ids) < 58_836
    assert Tokenizer().decode(list(row.ids)) == "Xin <|endoftext|> chào."


def test_rows_are_sentences_and_end_with_a_stop() -> None:
    tokenizer = Tokenizer()
    text = " ".join(TEXTS[:3])
    rows = script.rows(text, "vi-VN", tokenizer)
    assert len(rows) > 1
    assert " ".join(row.text for row in rows) == text
    assert all(text[row.offset :].startswith(row.text) for row in rows)
    assert all(tokenizer.decode(list(row.ids))[-1] in ".!?" for row in rows)
    assert rows[-1].pause == 0


def test_a_voice_is_kept_as_tensors_and_facts(engine: Engine, voice: VoiceState) -> None:
    """What one process made, another takes over, and opens none of the networks that hear."""
    opened = engine.frontend.sessions_made
    assert opened == 2
    again = engine.voice_of(VOICE, *unpack(pack(voice)))
    assert engine.frontend.sessions_made == opened
    one, two = say(engine, *(Passage(text=TEXTS[0], voice=state, seed=5) for state in (voice, again)))
    assert np.array_equal(one.pcm, two.pcm)
    assert again.nbytes == voice.nbytes < 1_000_000


@pytest.mark.parametrize("damage", ["weights", "missing", "other"])
def test_a_voice_of_another_model_is_not_taken_over(engine: Engine, voice: VoiceState, damage: str) -> None:
    tensors, facts = unpack(pack(voice))
    if damage == "weights":
        facts["weights"] = "f" * 64
    elif damage == "missing":
        del tensors["prompt_mel"]
    else:
        tensors["language_model_speaker"] = tensors["language_model_speaker"][:-1]
    with pytest.raises(ValueError, match=r"weights|tensors"):
        engine.voice_of(VOICE, tensors, facts)


def test_a_manifest_without_a_recording_is_said_so(engine: Engine) -> None:
    with pytest.raises(BrokenManifest, match="prompt"):
        engine.make_voice(VOICE, {})


def test_every_common_shape_can_be_warmed(engine: Engine, voice: VoiceState) -> None:
    for shape in itertools.chain.from_iterable(engine_module.SHAPES.values()):
        engine.warm(voice, shape)


def test_lines_of_like_length_go_together() -> None:
    assert list(_groups([3, 9, 1, 9, 4], 2)) == [[1, 3], [4, 0], [2]]


# --- precision


def test_a_lower_precision_stands_the_comparison(data_dir: Path, recording: dict[str, Path]) -> None:
    engine = Engine()
    engine.load(torch.device("cpu"), Settings.load({}, data_dir=str(data_dir), viettts_precision="bfloat16"))
    assert engine.model.language_model.llm_decoder.weight.dtype == torch.bfloat16
    (speech,) = say(engine, Passage(text=TEXTS[0], voice=engine.make_voice(VOICE, recording)))
    assert np.isfinite(speech.pcm).all()


@pytest.mark.parametrize(("part", "low"), [("the language model", "language_model"), ("the flow", "solver")])
def test_a_precision_that_changes_the_sound_does_not_start(data_dir: Path, monkeypatch: pytest.MonkeyPatch, part: str, low: str) -> None:
    """bfloat16 has eight bits: with no error allowed, whichever part is asked in it refuses, and by name."""
    monkeypatch.setattr("worker.engines.viettts.precision.WORST", 1e-6)
    files = EngineFiles(bundles()["viettts"], data_dir / "engines" / "viettts")
    precision = Precision(**{"language_model": torch.float32, "solver": None, low: torch.bfloat16})
    with pytest.raises(StartFailed, match=rf"{part} of VietTTS is off .* LOA_VIETTTS_PRECISION=float32"):
        Engine().open(files, torch.device("cpu"), precision)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_numbers_out_of_range_are_no_small_error(broken: float) -> None:
    exact = torch.ones(3)
    with pytest.raises(StartFailed, match="off by"):
        precision_module._compare("the flow", torch.float16, exact, torch.tensor([1.0, 1.0, broken]))


def test_precisions_are_as_in_the_reference_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU, as far as the machine can; there `worker.engines.viettts.half` rounds the language model's weights, and nothing else."""
    cpu, cuda = torch.device("cpu"), torch.device("cuda:0")
    for device in (cpu, cuda):
        monkeypatch.setattr(half, "supported", lambda: True)
        assert Precision.chosen("reference", device) == Precision(language_model=torch.float16, solver=None)
        assert Precision.chosen("float32", device) == Precision(language_model=torch.float32, solver=None)
    monkeypatch.setattr(half, "supported", lambda: False)
    assert Precision.chosen("reference", cuda) == Precision(language_model=torch.float16, solver=None)


def test_a_cpu_without_float16_weights_is_told_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(half, "supported", lambda: False)
    with caplog.at_level("INFO"):
        assert Precision.chosen("reference", torch.device("cpu")).language_model == torch.float32
    assert "the language model runs in float32: this machine's PyTorch has no product of float16 weights" in caplog.text


@needs_half
def test_a_cpu_rounds_the_weights_of_the_language_model(data_dir: Path, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Unless told otherwise: `engine` is that of the settings as they come."""
    assert isinstance(engine.model.language_model.llm_decoder, half.HalfLinear)
    assert engine.model.precision == Precision(language_model=torch.float16, solver=None)
    assert {parameter.dtype for parameter in engine.model.language_model.parameters()} == {torch.float32}
    with caplog.at_level("INFO"):
        Engine().load(torch.device("cpu"), Settings.load({}, data_dir=str(data_dir)))
        assert "the language model runs in float16: off by 0.0" in caplog.text
        caplog.clear()
        exact = Engine()
        exact.load(torch.device("cpu"), Settings.load({}, data_dir=str(data_dir), viettts_precision="float32"))
    assert "off by" not in caplog.text
    assert not any(isinstance(module, half.HalfLinear) for module in exact.model.language_model.modules())


@needs_half
@pytest.mark.parametrize("weight", ["llm_decoder.weight", "llm.encoders.1.self_attn.linear_k.weight"])
def test_weights_beyond_float16_do_not_start(data_dir: Path, tmp_path: Path, weight: str) -> None:
    for path in (data_dir / "engines" / "viettts").iterdir():
        (tmp_path / path.name).symlink_to(path)
    tensors = torch.load(tmp_path / "llm.pt", weights_only=True)
    tensors[weight][2, 3] = 70_000.0
    (tmp_path / "llm.pt").unlink()
    torch.save(tensors, tmp_path / "llm.pt")
    files, cpu = EngineFiles(bundles()["viettts"], tmp_path), torch.device("cpu")
    with pytest.raises(StartFailed, match=r"the language model of VietTTS is off by inf in float16, .* LOA_VIETTTS_PRECISION=float32"):
        Engine().open(files, cpu, Precision.chosen("reference", cpu))
    Engine().open(files, cpu, Precision.chosen("float32", cpu))


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(InvalidSetting, match=r"float8.*reference, float32, bfloat16"):
        Engine().load(torch.device("cpu"), Settings.load({}, viettts_precision="float8"))


def test_files_of_any_folder_can_be_opened_and_a_damaged_one_is_named(data_dir: Path, tmp_path: Path) -> None:
    for path in (data_dir / "engines" / "viettts").iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "flow.pt").unlink()
    (tmp_path / "flow.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(BrokenEngine, match=r"flow\.pt"):
        Engine().open(EngineFiles(bundles()["viettts"], tmp_path), torch.device("cpu"), Precision.chosen("float32", torch.device("cpu")))
