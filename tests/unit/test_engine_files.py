"""The files that an engine needs as a whole: pulled from a real HTTP server on this machine, found, checked, and said to be missing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa import engines
from loa.bundles import BundleFile
from loa.download import CHUNK
from loa.engine_files import EngineBundle, EngineFiles, bundles
from loa.engines import ENGINES, served, unserved
from loa.errors import BrokenEngine, BrokenManifest, ChecksumMismatch, DownloadFailed, EngineNotInstalled, InvalidSetting
from loa.installed import PULL_RECORD
from loa.pull import pull
from loa.settings import Settings
from tests.unit.file_server import FileServer, file_server

CONTENT = {
    file.name: random.Random(file.name).randbytes(3 * CHUNK + 1 if file.name == "llm.pt" else 1000) for file in bundles()["viettts"].files
}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        server.files |= {f"/{name}": content for name, content in CONTENT.items()}
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({}, data_dir=str(tmp_path / "data"))


@pytest.fixture
def bundle(server: FileServer) -> EngineBundle:
    """What VietTTS needs, as it is published: of nothing are size and checksum known. But it comes from this machine."""
    here = tuple(dataclasses.replace(file, url=f"{server.url}/{file.name}") for file in bundles()["viettts"].files)
    return dataclasses.replace(bundles()["viettts"], files=here)


def checked(bundle: EngineBundle, name: str = "llm.pt", **changes: object) -> EngineBundle:
    """The same, with all sizes and checksums known, and for one file `changes` to what is known."""

    def known(file: BundleFile) -> BundleFile:
        content = CONTENT[file.name]
        file = dataclasses.replace(file, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        return dataclasses.replace(file, **changes) if file.name == name else file

    return dataclasses.replace(bundle, files=tuple(map(known, bundle.files)))


def test_everything_is_pulled_and_found(bundle: EngineBundle, settings: Settings) -> None:
    files = EngineFiles.of("viettts", settings)
    assert not files.installed()
    folder = pull(bundle, settings)
    assert files.installed()
    assert {role: path.read_bytes() for role, path in files.paths().items()} == {
        "config": CONTENT["config.yaml"],
        "language_model": CONTENT["llm.pt"],
        "flow": CONTENT["flow.pt"],
        "vocoder": CONTENT["hift.pt"],
        "speaker_encoder": CONTENT["speech_embedding.onnx"],
        "speech_tokenizer": CONTENT["speech_tokenizer.onnx"],
    }
    assert sorted(path.name for path in folder.iterdir()) == sorted([*CONTENT, PULL_RECORD])


def test_source_licence_and_checksums_are_recorded(bundle: EngineBundle, settings: Settings) -> None:
    record = json.loads((pull(bundle, settings) / PULL_RECORD).read_text())
    assert (record["engine"], record["licence"], record["commercial_use"]) == ("viettts", "CC BY-NC", False)
    assert record["source"] == "https://huggingface.co/dangvansam/viet-tts"
    assert "may not be used commercially" in record["notice"]
    assert {file["name"]: file["sha256"] for file in record["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()
    }


def test_what_is_there_is_left_alone_unless_forced(bundle: EngineBundle, settings: Settings, server: FileServer) -> None:
    pull(bundle, settings)
    server.requests.clear()
    pull(bundle, settings)
    assert server.requests == []
    pull(bundle, settings, force=True)
    assert len(server.requests) == len(CONTENT)


def test_a_pull_that_broke_off_goes_on(bundle: EngineBundle, settings: Settings, server: FileServer) -> None:
    server.statuses, server.cuts = [], [1000, *[CHUNK // 5] * 5]  # config.yaml comes whole, llm.pt breaks off five times
    with pytest.raises(DownloadFailed, match=r"llm\.pt"):
        pull(bundle, settings)
    files = EngineFiles.of("viettts", settings)
    with pytest.raises(EngineNotInstalled, match="loa engines pull viettts"):
        files.paths()
    server.requests.clear()
    pull(bundle, settings)
    assert [asked for path, asked, _ in server.requests if path == "/llm.pt"] == [f"bytes={CHUNK // 5 * 5}-"]
    assert files.paths()["language_model"].read_bytes() == CONTENT["llm.pt"]


def test_a_wrong_checksum(bundle: EngineBundle, settings: Settings) -> None:
    with pytest.raises(ChecksumMismatch, match=r"llm\.pt has the sha256"):
        pull(checked(bundle, sha256="0" * 64), settings)
    assert not EngineFiles.of("viettts", settings).installed()


def test_a_wrong_size(bundle: EngineBundle, settings: Settings) -> None:
    with pytest.raises(ChecksumMismatch, match=r"llm\.pt has 196,609 bytes, which are not the expected 5"):
        pull(checked(bundle, size=5), settings)
    assert not EngineFiles.of("viettts", settings).installed()


def test_known_sizes_and_checksums_are_no_hindrance(bundle: EngineBundle, settings: Settings) -> None:
    pull(checked(bundle), settings)
    assert EngineFiles.of("viettts", settings).installed()


# --- files that are here ------------------------------------------------------------------------------------------------


def test_a_file_that_was_cut_after_its_pull_is_noticed(bundle: EngineBundle, settings: Settings) -> None:
    folder = pull(bundle, settings)
    (folder / "flow.pt").write_bytes(b"half")
    with pytest.raises(BrokenEngine, match=r"flow\.pt has 4 bytes; the record of its pull says 1000"):
        EngineFiles.of("viettts", settings).paths()


def test_a_size_that_the_manifest_knows(bundle: EngineBundle, settings: Settings) -> None:
    folder = pull(bundle, settings)
    with pytest.raises(BrokenEngine, match=r"llm\.pt has 196609 bytes; the manifest of engine 'viettts' says 5"):
        EngineFiles(checked(bundle, size=5), folder).paths()


def test_any_folder_may_hold_the_files(tmp_path: Path) -> None:
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    files = EngineFiles(bundles()["viettts"], tmp_path)
    assert files.paths()["vocoder"] == tmp_path / "hift.pt"
    (tmp_path / "hift.pt").unlink()
    assert files.missing() == ("hift.pt",)
    with pytest.raises(EngineNotInstalled, match=r"hift\.pt not found") as caught:
        files.paths()
    assert caught.value.details == {"engine": "viettts", "missing": ["hift.pt"]}


def test_the_fingerprint_follows_the_files(bundle: EngineBundle, settings: Settings) -> None:
    folder = pull(bundle, settings)
    files = EngineFiles.of("viettts", settings)
    whole, encoder = files.fingerprint(), files.fingerprint("speaker_encoder")
    assert len(whole) == len(encoder) == 64
    assert whole == EngineFiles(checked(bundle), folder).fingerprint()
    (folder / "llm.pt").write_bytes(CONTENT["llm.pt"][::-1])
    assert files.fingerprint() != whole
    assert files.fingerprint("speaker_encoder") == encoder


def test_the_fingerprint_of_pulled_files_is_known_without_reading_them(bundle: EngineBundle, settings: Settings) -> None:
    folder = pull(bundle, settings)
    expected = EngineFiles(checked(bundle), folder).fingerprint()
    for path in folder.glob("*.pt"):  # the same size and date, other bytes: nobody looks
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert EngineFiles.of("viettts", settings).fingerprint() == expected


def test_a_manifest_of_this_machine_goes_before(settings: Settings, server: FileServer) -> None:
    own = Path(settings.data_dir) / "engines" / "viettts.toml"
    own.parent.mkdir(parents=True)
    about = 'title = "Mirror"\nlicence = "CC BY-NC"\ncommercial_use = false\n'
    entries = [f'[[files]]\nrole = "{f.role}"\nname = "{f.name}"\nurl = "{server.url}/{f.name}"\n' for f in bundles()["viettts"].files]
    own.write_text(about + "".join(entries))
    files = EngineFiles.of("viettts", settings)
    assert files.bundle.title == "Mirror"
    pull(files.bundle, settings)
    assert files.installed()
    own.write_text(about + "".join(entries[1:]))
    with pytest.raises(BrokenManifest, match="files must have the roles config, flow, "):
        EngineFiles.of("viettts", settings)
    obstacle = ENGINES["viettts"].obstacle(settings)
    assert obstacle is not None
    assert "must have the roles" in obstacle.fact
    own.write_text(about + "language = 'vi'\n" + "".join(entries))
    with pytest.raises(BrokenManifest, match="language is not a field of an engine manifest"):
        EngineFiles.of("viettts", settings)


# --- which engines are served --------------------------------------------------------------------------------------------


def test_every_manifest_is_of_an_engine() -> None:
    assert set(bundles()) <= set(ENGINES)
    for bundle in bundles().values():
        assert all(file.url.startswith("https://") for file in bundle.files)
        assert bundle.licence


def test_viettts_is_served_where_its_modules_and_its_files_are(
    bundle: EngineBundle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served(settings) == ("vits",)
    (name, told), *rest = unserved(settings).items()
    assert (name, rest) == ("viettts", [])
    assert "llm.pt" in told
    assert told.endswith("; loa engines pull viettts")
    pull(bundle, settings)
    assert served(settings) == ("vits", "viettts")
    assert unserved(settings) == {}
    monkeypatch.setattr(engines, "importable", lambda module: module != "tiktoken")
    assert served(settings) == ("vits",)
    assert unserved(settings) == {"viettts": "tiktoken missing; pip install 'loa[worker,viettts]'"}


def test_an_engine_that_was_asked_for_must_be_installed(settings: Settings) -> None:
    asked = dataclasses.replace(settings, engines="vits, viettts")
    with pytest.raises(EngineNotInstalled, match=r"'viettts' is not installed: config\.yaml, .* with: loa engines pull viettts"):
        served(asked)
    assert unserved(asked) == {}
    assert served(dataclasses.replace(settings, engines="sine,vits")) == ("sine", "vits")
    with pytest.raises(InvalidSetting, match="gramophone"):
        served(dataclasses.replace(settings, engines="gramophone"))


def test_an_engine_says_what_it_needs(bundle: EngineBundle, settings: Settings) -> None:
    before = ENGINES["viettts"].describe(settings)
    assert (before["installed"], before["remedy"], before["words_timed"]) == (False, "loa engines pull viettts", False)
    assert before["needs"]["commercial_use"] is False
    pull(bundle, settings)
    after = ENGINES["viettts"].describe(settings)
    assert (after["installed"], after["obstacle"], after["needs"]["installed"]) == (True, None, True)
    assert ENGINES["vits"].describe(settings)["needs"] is None
    assert json.loads(json.dumps(after)) == after
