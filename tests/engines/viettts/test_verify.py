"""`loa engines verify viettts` with a tiny random model: everything is tried, and what is wrong is named.

That its comparison tells equal from unequal is shown beside the reference itself in tests/golden/test_verify.py; here a stand-in for it
answers with our own networks.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner, Result

from loa.cli.app import app
from loa.engine_files import EngineFiles, bundles
from loa.errors import BrokenEngine
from loa.settings import Settings
from loa.verification import Check, Step
from loa.voices import VoiceRegistry
from tests.engines.viettts import comparisons, published, tiny_frontend
from tests.spoken import RATE, spoken
from worker.engines.base import Passage
from worker.engines.viettts import comparison
from worker.engines.viettts.audition import SENTENCES
from worker.engines.viettts.engine import Engine
from worker.engines.viettts.flow import Prompt
from worker.engines.viettts.precision import Precision
from worker.engines.viettts.reference import INSTALLATION, Reference, noise_of
from worker.engines.viettts.verify import verify

CPU = torch.device("cpu")
MANIFEST = """
title = "Quỳnh"
engine = "viettts"
language = "vi-VN"
licence = "CC BY-NC"
commercial_use = false
common = true
files = [{role = "prompt", name = "quynh.wav"}]
"""
ALL_THERE = [
    "machine",
    *(f"file {file.name}" for file in bundles()["viettts"].files),
    "configuration",
    *("weights llm.pt", "weights flow.pt", "weights hift.pt"),
    *("recording", "speaker encoder", "speech tokenizer"),
    "reference",
    *("reference: speaker features", "reference: token features", "reference: prompt mel"),
]


@pytest.fixture(scope="module", autouse=True)
def _machine() -> Iterator[None]:
    """Verifying pins the process to a device and its threads; and nobody has the reference."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            patch.setenv(name, str(threads))
        patch.setenv("LOA_DEVICES", "cpu")
        patch.setenv("LOA_THREADS", "1")
        for package in ("viettts", "whisper", "librosa"):
            patch.setitem(sys.modules, package, None)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a model."""
    folder = tmp_path_factory.mktemp("made")
    published.write(folder)
    tiny_frontend.write(folder, vocabulary=published.TINY.flow.vocabulary)
    return folder


@pytest.fixture
def weights(made: Path, tmp_path: Path) -> Path:
    """The same, for a test that changes them."""
    return Path(shutil.copytree(made, tmp_path / "weights"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "someone.wav"
    soundfile.write(path, spoken()[: 8 * RATE], RATE)
    return path


@pytest.fixture(scope="module")
def data_dir(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that has one of the three common voices."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "voices" / "quynh").mkdir(parents=True)
    (folder / "voices" / "quynh.toml").write_text(MANIFEST, encoding="utf-8")
    shutil.copy(recording, folder / "voices" / "quynh" / "quynh.wav")
    return folder


def loa(data_dir: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["engines", "verify", *map(str, arguments)], env={"LOA_DATA_DIR": str(data_dir)}, prog_name="loa")


def checks(weights: Path, tmp_path: Path, *recordings: Path, files: EngineFiles | None = None) -> dict[str, Check]:
    """What a machine without voices finds, by name."""
    settings = Settings.load(data_dir=str(tmp_path / "nothing"))
    found = list(verify(files or EngineFiles(bundles()["viettts"], weights), settings, tmp_path, recordings, lambda _: None))
    assert len({check.name for check in found}) == len(found)
    return {check.name: check for check in found}


def verdicts(found: Mapping[str, Check], verdict: str) -> list[str]:
    return [name for name, check in found.items() if check.verdict == verdict]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output") / "of" / "it"


@pytest.fixture(scope="module")
def done(data_dir: Path, made: Path, recording: Path, output: Path) -> Result:
    """All of it, by the command line, with one voice that is installed and one recording."""
    return loa(data_dir, "viettts", "--weights", made, "--output", output, "--recording", recording)


@pytest.fixture(scope="module")
def report(done: Result, output: Path) -> dict[str, Any]:
    return json.loads((output / "report.json").read_text(encoding="utf-8"))


class TestWhole:
    def test_nothing_is_wrong(self, done: Result, report: dict[str, Any], output: Path) -> None:
        assert done.exit_code == 0, done.output
        assert done.stderr.splitlines()[-1] == f"25 passed, 0 failed, 5 skipped; {output / 'report.json'} has all of it"
        assert (report["passed"], report["counts"]) == (True, {"passed": 25, "failed": 0, "skipped": 5})

    def test_every_step_is_told_as_it_ended(self, done: Result, report: dict[str, Any]) -> None:
        names = [check["name"] for check in report["checks"]]
        assert names[: len(ALL_THERE)] == ALL_THERE
        spoken = [f"{voice}{what}" for voice in ("quynh", "someone") for what in (", sentence 1", ", sentence 2", ", sentence 3")]
        assert [name for name in names if ", sentence" in name] == spoken
        for line, check in zip(done.stdout.splitlines(), report["checks"], strict=True):
            assert line.startswith(f"{check['verdict']:7}  {check['name']}")
            assert line.endswith(f": {check['fact']}")

    def test_files_have_what_a_manifest_needs(self, report: dict[str, Any], made: Path) -> None:
        figures = {check["name"]: check["figures"] for check in report["checks"]}
        for file in bundles()["viettts"].files:
            of_file = figures[f"file {file.name}"]
            assert of_file["bytes"] == (made / file.name).stat().st_size
            assert len(of_file["sha256"]) == 64

    def test_the_configuration_is_told_from_the_public_models(self, report: dict[str, Any]) -> None:
        figures = {check["name"]: check["figures"] for check in report["checks"]}
        assert figures["configuration"]["public"] is False
        assert figures["configuration"]["differences"]["flow.encoder.layers"] == [2, 6]
        keys = [figures[f"weights {name}"]["keys"] for name in ("llm.pt", "flow.pt", "hift.pt")]
        assert figures["configuration"]["keys"] == sum(keys)

    def test_sentences_are_files_with_figures(self, report: dict[str, Any], output: Path) -> None:
        figures = {check["name"]: check["figures"] for check in report["checks"]}
        for voice in ("quynh", "someone"):
            for number, text in enumerate(SENTENCES, start=1):
                of_sentence = figures[f"{voice}, sentence {number}"]
                assert (of_sentence["text"], of_sentence["file"]) == (text, f"{voice}-{number}.wav")
                pcm, rate = soundfile.read(output / of_sentence["file"])
                assert len(pcm) / rate == pytest.approx(of_sentence["audio_seconds"], abs=0.001)
                parts = [of_sentence[f"{network}_seconds"] for network in ("language_model", "flow", "vocoder")]
                assert min(parts) > 0
                assert sum(parts) <= of_sentence["seconds"] + 0.002
                factor = of_sentence["seconds"] / of_sentence["audio_seconds"]
                assert of_sentence["real_time_factor"] == pytest.approx(factor, rel=0.01)

    def test_what_is_not_installed_says_how_it_comes(self, report: dict[str, Any]) -> None:
        facts = {check["name"]: check["fact"] for check in report["checks"] if check["verdict"] == "skipped"}
        assert facts["voice cdteam"] == "not installed; `loa voices pull cdteam` brings it"
        assert facts["voice nu-nhe-nhang"] == "not installed; `loa voices pull nu-nhe-nhang` brings it"
        assert facts["reference"].endswith(f"install it beside Loa with: {INSTALLATION}")
        assert "whisper" in facts["reference: token features"]
        assert "librosa" in facts["reference: prompt mel"]


def test_the_report_is_the_json(data_dir: Path, weights: Path, tmp_path: Path) -> None:
    (weights / "hift.pt").unlink()
    done = loa(data_dir, "viettts", "--weights", weights, "--output", tmp_path, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


class TestWrong:
    def test_a_missing_file(self, data_dir: Path, weights: Path, tmp_path: Path) -> None:
        (weights / "hift.pt").unlink()
        done = loa(data_dir, "viettts", "--weights", weights, "--output", tmp_path)
        assert done.exit_code == 1
        lines = {line.split(": ", 1)[0].split(" (")[0]: line.split(": ", 1)[1] for line in done.stdout.splitlines()}
        assert lines["failed   file hift.pt"] == f"not found in {weights}; `loa engines pull viettts` brings it"
        assert lines["skipped  weights hift.pt"] == "the file is missing"
        assert "passed   weights flow.pt" in lines
        assert lines["skipped  speech"] == "nothing is spoken before everything above is right"
        assert ", 1 failed, " in done.stderr

    def test_a_damaged_checkpoint(self, weights: Path, tmp_path: Path) -> None:
        (weights / "flow.pt").write_bytes((weights / "flow.pt").read_bytes()[:-100])
        found = checks(weights, tmp_path)
        assert verdicts(found, "failed") == ["weights flow.pt"]
        assert "flow.pt is not whole" in found["weights flow.pt"].fact
        assert found["weights hift.pt"].verdict == "passed"
        assert found["speech tokenizer"].verdict == "passed"
        assert found["reference"].verdict == found["speech"].verdict == "skipped"

    def test_a_wrong_key(self, weights: Path, tmp_path: Path) -> None:
        tensors = torch.load(weights / "llm.pt", weights_only=True)
        tensors["llm.after_norm.wait"] = tensors.pop("llm.after_norm.weight")
        torch.save(tensors, weights / "llm.pt")
        found = checks(weights, tmp_path)
        assert verdicts(found, "failed") == ["weights llm.pt"]
        assert found["weights llm.pt"].fact.endswith("1 missing: llm.after_norm.weight; 1 not known: llm.after_norm.wait")

    def test_another_configuration(self, weights: Path, tmp_path: Path) -> None:
        text = (weights / "config.yaml").read_text(encoding="utf-8")
        (weights / "config.yaml").write_text(text.replace("act_fn: gelu", "act_fn: relu"), encoding="utf-8")
        found = checks(weights, tmp_path)
        assert verdicts(found, "failed") == ["configuration"]
        assert "act_fn is 'relu'; it takes 'gelu'" in found["configuration"].fact
        assert {"weights", "listening", "reference", "speech"} <= set(verdicts(found, "skipped"))

    def test_another_network_that_listens(self, weights: Path, tmp_path: Path) -> None:
        shutil.copy(weights / tiny_frontend.EMBEDDING, weights / tiny_frontend.TOKENIZER)
        found = checks(weights, tmp_path)
        assert verdicts(found, "failed") == ["speech tokenizer"]
        assert tiny_frontend.TOKENIZER in found["speech tokenizer"].fact

    def test_a_file_that_is_not_the_manifests(self, weights: Path, tmp_path: Path) -> None:
        bundle = bundles()["viettts"]
        known = tuple(dataclasses.replace(file, sha256="0" * 64) if file.role == "vocoder" else file for file in bundle.files)
        found = checks(weights, tmp_path, files=EngineFiles(dataclasses.replace(bundle, files=known), weights))
        assert verdicts(found, "failed") == ["file hift.pt"]
        assert found["file hift.pt"].fact.endswith(": another file than the manifest names")

    def test_a_recording_that_is_none(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "noise.wav").write_bytes(b"no sound")
        found = checks(weights, tmp_path, tmp_path / "noise.wav")
        assert verdicts(found, "failed") == ["recording", "voice noise"]
        assert found["engine"].verdict == found["speech tokenizer"].verdict == "passed"

    def test_an_engine_that_has_no_model_of_its_own(self, data_dir: Path) -> None:
        done = loa(data_dir, "vits")
        assert (done.exit_code, done.stdout) == (2, "")
        assert "vits has nothing to verify: every voice brings a model of its own; this works with viettts" in done.stderr

    def test_an_engine_that_is_none(self, data_dir: Path) -> None:
        done = loa(data_dir, "espeak")
        assert done.exit_code == 2
        assert "there is no engine 'espeak'" in done.stderr

    def test_a_package_that_is_missing(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("loa.engines.importable", lambda module: module != "soxr")
        done = loa(data_dir, "viettts")
        assert done.exit_code == 1
        assert done.stderr.startswith("error: verifying viettts needs soxr: pip install 'loa[worker,viettts]'")


class TestSpeech:
    def test_seconds_are_counted_for_whoever_asks(self, made: Path, data_dir: Path) -> None:
        engine = Engine()
        engine.open(EngineFiles(bundles()["viettts"], made), CPU, Precision.chosen("float32", CPU))
        registry = VoiceRegistry(Settings.load(data_dir=str(data_dir)))
        passage = Passage(text="Xin chào.", voice=engine.make_voice(registry.get("quynh"), registry.files(registry.get("quynh"))))
        (unasked,) = engine.synthesize([passage])
        assert engine.model.seconds is None
        engine.model.seconds = seconds = {}
        (asked,) = engine.synthesize([passage, passage])[:1]
        assert seconds.keys() == {"language_model", "flow", "vocoder"}
        assert min(seconds.values()) > 0
        assert np.array_equal(asked.pcm, unasked.pcm)


class TestComparison:
    """Of our networks with themselves, and with themselves as they would be if one part were another."""

    @pytest.mark.parametrize(
        ("part", "wrong"),
        [
            ("", []),
            ("encoded", ["text encoder"]),
            ("logits", ["language model"]),
            ("mel", ["flow"]),
            ("pitch", ["pitch"]),
            ("nan", ["pitch"]),
            ("shape", ["pitch"]),
            ("samples", ["vocoder"]),
        ],
    )
    def test_the_step_that_differs_fails(self, made: Path, monkeypatch: pytest.MonkeyPatch, part: str, wrong: list[str]) -> None:
        networks = comparisons.networks(made)
        for constant in ("SAID", "SOUNDED"):
            monkeypatch.setattr(comparison, constant, 10)
        monkeypatch.setattr(comparison, "Reference", lambda *_: Mirror(networks, part))
        found = comparisons.compare(networks)
        assert tuple(found) == ("reference", *comparisons.PARTS)
        assert comparisons.failed(found) == wrong
        if part == "logits":
            assert found["language model"].figures["difference"] == pytest.approx(2e-4, rel=0.1)
            assert found["language model"].figures["same"] == found["language model"].figures["steps"] == 10

    def test_another_likeliest_token_is_a_difference_however_small(self) -> None:
        with Step(lambda _: None, "language model") as taken:
            comparison._judge(taken, torch.ones(3), torch.ones(3), "the likeliest token is the same in 99 of 100 steps", False)
        assert taken.check.verdict == "failed"

    def test_a_configuration_that_calls_something_else_is_not_built(self, made: Path, tmp_path: Path) -> None:
        text = (made / "config.yaml").read_text(encoding="utf-8")
        path = tmp_path / "config.yaml"
        path.write_text(text.replace("!apply:random.seed [1986]", "!apply:os.system ['true']"), encoding="utf-8")
        with pytest.raises(BrokenEngine, match=r"would make the reference call !apply:os\.system"):
            Reference(path, {})


def test_what_to_install_is_what_the_golden_tests_have() -> None:
    pins = re.findall(r"\S+==\S+", INSTALLATION)
    assert len(pins) == 5
    root = Path(__file__).parents[3]
    assert set(pins) <= set((root / "requirements" / "reference.txt").read_text(encoding="utf-8").splitlines())
    docs = (root / "docs" / "voices.md").read_text(encoding="utf-8")
    assert all(command in docs for command in INSTALLATION.split(" && "))


class Mirror:
    """Answers like the reference, with our own networks, but for the part that is another."""

    version = "0"

    def __init__(self, networks: comparison.Networks, part: str) -> None:
        self._networks, self._part = networks, part

    def encoded(self, ids: torch.Tensor) -> torch.Tensor:
        return self._changed("encoded", self._networks.language_model.encode([ids])[0])

    def logits(self, ids: torch.Tensor, embedding: torch.Tensor, tokens: list[int]) -> torch.Tensor:
        model = self._networks.language_model
        logits = comparison.forced_logits(model, ids, model.speaker(embedding[None]), torch.tensor(tokens))
        return self._changed("logits", logits)

    def mel(self, tokens: torch.Tensor, prompt: torch.Tensor, known: torch.Tensor, embedding: torch.Tensor, seed: int) -> torch.Tensor:
        flow = self._networks.flow
        noise = noise_of(seed, flow.shape.mels, len(known) + flow.frames(len(tokens)))
        (mel,) = flow.mels([tokens], [Prompt(tokens=prompt, mel=known)], flow.speaker(embedding[None]), [noise])
        return self._changed("mel", mel)

    def pitch(self, mel: torch.Tensor) -> torch.Tensor:
        pitch = self._networks.vocoder.f0_predictor(mel.T[None], None)[0]
        if self._part == "shape":
            return pitch[None]
        return self._changed("pitch", pitch * float("nan") if self._part == "nan" else pitch)

    def samples(self, mel: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        return self._changed("samples", self._networks.vocoder.filtered(mel[None], None, source[None])[0])

    def _changed(self, part: str, answer: torch.Tensor) -> torch.Tensor:
        """One number of it, by two parts in ten thousand of the largest."""
        if part == self._part:
            answer = answer.clone()
            answer.view(-1)[answer.abs().argmax()] *= 1 + 2e-4
        return answer
