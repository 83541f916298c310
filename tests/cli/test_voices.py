"""Commands about voices: list, show, pull, add, remove."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from loa.installed import PULL_RECORD
from loa.settings import Settings
from loa.voices import VoiceRegistry
from tests.cli.small_server import SmallServer, cut, hang_up, problem, refuse

Loa = Callable[..., Result]
MODEL, CONFIG = bytes(range(256)) * 2000, b'{"sample_rate": 22050}'


@pytest.fixture
def tieng(settings: Settings, server: SmallServer) -> str:
    """The name of a voice whose files `server` has."""
    server.files = {"/tieng.onnx": MODEL, "/tieng.onnx.json": CONFIG}
    folder = Path(settings.data_dir) / "voices"
    folder.mkdir(parents=True)
    lines = [
        *('title = "Tiếng, Vietnamese"', 'engine = "vits"', 'language = "vi-VN"', 'licence = "CC BY 4.0"'),
        *('licence_url = "https://example.org/licence"', "commercial_use = false", 'notice = "Credit the speaker."'),
    ]
    for role, name, content in (("model", "tieng.onnx", MODEL), ("config", "tieng.onnx.json", CONFIG)):
        sha256 = hashlib.sha256(content).hexdigest()
        lines += [
            "[[files]]",
            f'role = "{role}"',
            f'name = "{name}"',
            f'url = "{server.url}/{name}"',
            f"size = {len(content)}",
            f'sha256 = "{sha256}"',
        ]
    (folder / "tieng.toml").write_text("\n".join(lines), encoding="utf-8")
    return "tieng"


def described(settings: Settings, name: str) -> dict[str, Any]:
    registry = VoiceRegistry(settings)
    return registry.describe(registry.get(name))


class TestList:
    def test_of_the_server(self, loa: Loa, server: SmallServer, settings: Settings) -> None:
        server.voices = [described(settings, name) for name in ("joe", "quynh", "vi_VN-vais1000-medium")]
        table = loa("voices", "list").stdout
        rows = {line.split()[0]: line for line in table.splitlines()[2:]}
        assert list(rows) == ["joe", "quynh", "vi_VN-vais1000-medium"]
        assert "installed" in rows["joe"]
        assert "to pull" in rows["quynh"]
        assert "to pull" in rows["vi_VN-vais1000-medium"]
        assert json.loads(loa("voices", "list", "--json").stdout) == server.voices
        assert json.loads(loa("voices", "list", "--json", "--installed").stdout) == server.voices[:1]

    def test_of_this_machine(self, loa: Loa, server: SmallServer, tieng: str) -> None:
        done = loa("voices", "list", "--local", "--json")
        assert {"joe", tieng} <= {voice["name"] for voice in json.loads(done.stdout)}
        assert server.seen == []


class TestShow:
    def test_what_a_person_must_know(self, loa: Loa, tieng: str) -> None:
        shown = loa("voices", "show", tieng, "--local").stdout
        for fact in (
            "CC BY 4.0",
            "https://example.org/licence",
            "Credit the speaker.",
            "to pull",
            "512.0 kB",
            hashlib.sha256(MODEL).hexdigest(),
        ):
            assert fact in shown

    def test_of_the_server(self, loa: Loa, server: SmallServer, settings: Settings) -> None:
        server.voices = [described(settings, "joe")]
        assert json.loads(loa("voices", "show", "joe", "--json").stdout) == server.voices[0]
        missing = loa("voices", "show", "jo")
        assert (missing.exit_code, missing.stdout) == (1, "")
        assert "there is no voice 'jo'" in missing.stderr


class TestPull:
    def test_shows_the_licence_then_installs_and_records_it(self, loa: Loa, settings: Settings, tieng: str) -> None:
        done = loa("voices", "pull", tieng, "--yes", "--json")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["installed"]
        for fact in ("Tiếng, Vietnamese", "CC BY 4.0", "Credit the speaker.", "512.0 kB"):
            assert fact in done.stderr
        assert done.stderr.index("CC BY 4.0") < done.stderr.index("tieng.onnx")  # before the first bar
        folder = Path(settings.data_dir) / "voices" / tieng
        assert (folder / "tieng.onnx").read_bytes() == MODEL
        assert json.loads((folder / PULL_RECORD).read_text())["licence"] == "CC BY 4.0"

    def test_without_yes_and_without_a_person_nothing_is_fetched(self, loa: Loa, server: SmallServer, tieng: str) -> None:
        done = loa("voices", "pull", tieng)
        assert done.exit_code == 2
        assert "accept the licence with --yes" in done.stderr
        assert server.seen == []

    @pytest.mark.parametrize(("answer", "code", "installed"), [("y\n", 0, True), ("n\n", 130, False), ("\n", 130, False)])
    def test_a_person_is_asked(
        self, loa: Loa, settings: Settings, tieng: str, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, installed: bool
    ) -> None:
        monkeypatch.setattr("loa.cli.pulling.nobody_to_ask", lambda: False)
        done = loa("voices", "pull", tieng, stdin=answer)
        assert done.exit_code == code
        assert described(settings, tieng)["installed"] is installed

    def test_what_is_there_is_left_alone_unless_forced(self, loa: Loa, server: SmallServer, tieng: str) -> None:
        assert loa("voices", "pull", tieng, "--yes").exit_code == 0
        server.seen.clear()
        again = loa("voices", "pull", tieng, "--yes")
        assert (again.exit_code, server.seen) == (0, [])
        assert "is installed already" in again.stderr
        assert loa("voices", "pull", tieng, "--yes", "--force").exit_code == 0
        assert server.paths("GET") == ["/tieng.onnx", "/tieng.onnx.json"]

    def test_a_voice_whose_engine_is_missing_says_so(self, loa: Loa, settings: Settings, tieng: str) -> None:
        manifest = Path(settings.data_dir) / "voices" / f"{tieng}.toml"
        assert "its engine" not in loa("voices", "pull", tieng, "--yes").stderr
        manifest.write_text(manifest.read_text(encoding="utf-8").replace('"vits"', '"viettts"'), encoding="utf-8")
        done = loa("voices", "pull", tieng, "--yes")
        assert done.exit_code == 0
        assert done.stderr.endswith("; loa engines pull viettts\n")

    def test_a_voice_from_a_package_is_there_already(self, loa: Loa, settings: Settings) -> None:
        assert "joe is installed already" in loa("voices", "pull", "joe").stderr

    def test_damaged_files_are_fetched_again(self, loa: Loa, settings: Settings, tieng: str) -> None:
        loa("voices", "pull", tieng, "--yes")
        model = Path(settings.data_dir) / "voices" / tieng / "tieng.onnx"
        model.write_bytes(b"half")
        assert loa("voices", "pull", tieng, "--yes").exit_code == 0
        assert model.read_bytes() == MODEL

    def test_a_broken_transfer_goes_on(self, loa: Loa, server: SmallServer, tieng: str) -> None:
        server.faults = [cut(100_000)]
        assert loa("voices", "pull", tieng, "--yes").exit_code == 0
        assert any("Range" in headers for _, _, headers, _ in server.seen)

    def test_a_wrong_file_is_refused(self, loa: Loa, server: SmallServer, settings: Settings, tieng: str) -> None:
        server.files["/tieng.onnx"] = bytes(len(MODEL))
        done = loa("voices", "pull", tieng, "--yes")
        assert done.exit_code == 1
        assert "the source has changed" in done.stderr
        assert not described(settings, tieng)["installed"]

    def test_a_voice_without_addresses(self, loa: Loa, settings: Settings) -> None:
        folder = Path(settings.data_dir) / "voices"
        folder.mkdir(parents=True)
        manifest = 'title = "x"\nengine = "vits"\nlanguage = "vi-VN"\nlicence = "x"\ncommercial_use = false\n'
        (folder / "bare.toml").write_text(f'{manifest}[[files]]\nrole = "model"\nname = "bare.onnx"\n')
        done = loa("voices", "pull", "bare", "--yes")
        assert done.exit_code == 1
        assert "names no address" in done.stderr


ANNA = {
    "name": "anna",
    "title": "Anna",
    "language": "vi-VN",
    "engine": "viettts",
    "engine_available": True,
    "installed": True,
    "common": False,
    "added": True,
    "sample_rate": None,
    "licence": "CC BY 4.0",
    "licence_url": None,
    "commercial_use": False,
    "notice": None,
    "consent": "I am Anna, and I agree.",
    "created_at": "2026-01-02T03:04:05.678Z",
    "source": None,
    "bytes": 480044,
    "files": [{"role": "prompt", "name": "anna.wav", "url": None, "size": 480044, "sha256": "0" * 64}],
}
SAID = ("--language", "vi-VN", "--licence", "CC BY 4.0", "--consent", "I am Anna, and I agree.")


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "anna.wav"
    path.write_bytes(b"a recording")
    return str(path)


class TestAdd:
    def test_sends_the_recording_with_what_was_said(self, loa: Loa, server: SmallServer, recording: str) -> None:
        server.new_voice = ANNA
        done = loa("voices", "add", "anna", recording, *SAID, "--title", "Anna", "--commercial-use", "no", "--json")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout) == ANNA
        ((method, path, headers, body),) = server.seen
        assert (method, path) == ("POST", "/v1/voices")
        form = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        parts = {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True) for part in form.get_payload()}
        assert parts == {
            "name": b"anna",
            "language": b"vi-VN",
            "licence": b"CC BY 4.0",
            "consent": b"I am Anna, and I agree.",
            "title": b"Anna",
            "commercial_use": b"false",
            "file": b"a recording",
        }

    def test_says_how_to_use_the_voice(self, loa: Loa, server: SmallServer, recording: str) -> None:
        server.new_voice = ANNA
        done = loa("voices", "add", "anna", recording, *SAID)
        assert (done.exit_code, done.stdout) == (0, "")
        assert "loa say TEXT --voice anna" in done.stderr
        assert b"commercial_use" not in server.seen[0][3]

    @pytest.mark.parametrize("missing", ["--language", "--licence", "--consent"])
    def test_nothing_is_sent_before_everything_is_said(self, loa: Loa, server: SmallServer, recording: str, missing: str) -> None:
        place = SAID.index(missing)
        done = loa("voices", "add", "anna", recording, *SAID[:place], *SAID[place + 2 :])
        assert (done.exit_code, server.seen) == (2, [])
        assert missing in done.stderr

    def test_a_file_that_is_not_there(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        done = loa("voices", "add", "anna", str(tmp_path / "nothing.wav"), *SAID)
        assert (done.exit_code, server.seen) == (2, [])
        assert "does not exist" in done.stderr

    def test_what_is_wrong_with_the_recording_is_said(self, loa: Loa, server: SmallServer, recording: str) -> None:
        server.faults = [refuse(422, problem("recording_noisy", "the speech is only 9 dB above the noise"))]
        done = loa("voices", "add", "anna", recording, *SAID)
        assert done.exit_code == 1
        assert "only 9 dB above the noise" in done.stderr
        assert "Record in a quiet room" in done.stderr

    def test_a_broken_connection_is_no_second_voice(self, loa: Loa, server: SmallServer, recording: str) -> None:
        server.new_voice = ANNA
        server.faults = [hang_up]
        assert loa("voices", "add", "anna", recording, *SAID).exit_code == 0
        assert len({body[body.index(b"form-data") :] for _, _, _, body in server.seen}) == 1  # the very same request


class TestRemove:
    def test_is_gone(self, loa: Loa, server: SmallServer) -> None:
        server.voices = [ANNA]
        done = loa("voices", "remove", "anna")
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "anna is removed\n")
        assert server.paths("DELETE") == ["/v1/voices/anna"]
        assert server.voices == []

    def test_of_a_manifest(self, loa: Loa, server: SmallServer) -> None:
        server.faults = [refuse(409, problem("voice_not_removable", "voice 'joe' was not added: a manifest describes it"))]
        done = loa("voices", "remove", "joe")
        assert done.exit_code == 1
        assert "Remove only voices that were added" in done.stderr

    @pytest.mark.parametrize("name", ["nobody", "..", "a/b"])
    def test_of_nobody(self, loa: Loa, server: SmallServer, name: str) -> None:
        done = loa("voices", "remove", name)
        assert done.exit_code == 1
        assert "there is no voice" in done.stderr


def test_an_added_voice_is_shown_as_one(loa: Loa, server: SmallServer) -> None:
    server.voices = [ANNA]
    assert "added" in loa("voices", "list").stdout.splitlines()[2].split()
    shown = loa("voices", "show", "anna").stdout
    assert "I am Anna, and I agree." in shown
    assert "2026-01-02T03:04:05.678Z" in shown


def test_whether_there_is_somebody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    from loa.cli.pulling import nobody_to_ask

    monkeypatch.setattr(sys, "stdin", None)
    assert nobody_to_ask()
