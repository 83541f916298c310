"""Commands about engines: list, show, pull."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from loa.engine_files import EngineFiles, bundles
from loa.installed import PULL_RECORD
from loa.settings import Settings
from tests.cli.small_server import SmallServer, cut

Loa = Callable[..., Result]
CONTENT = {file.name: bytes(range(256)) * (index + 1) * 400 for index, file in enumerate(bundles()["viettts"].files)}


@pytest.fixture
def mirror(settings: Settings, server: SmallServer) -> Path:
    """`server` has the files of VietTTS, and a manifest of this machine says so."""
    server.files = {f"/{name}": content for name, content in CONTENT.items()}
    lines = ['title = "VietTTS"', 'licence = "CC BY-NC"', "commercial_use = false", 'notice = "Not for sale."']
    for file in bundles()["viettts"].files:
        sha256 = hashlib.sha256(CONTENT[file.name]).hexdigest()
        lines += [
            "[[files]]",
            f'role = "{file.role}"',
            f'name = "{file.name}"',
            f'url = "{server.url}/{file.name}"',
            f'sha256 = "{sha256}"',
        ]
    manifest = Path(settings.data_dir) / "engines" / "viettts.toml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("\n".join(lines))
    return manifest


class TestList:
    def test_state_and_remedy(self, loa: Loa, settings: Settings) -> None:
        done = loa("engines", "list")
        rows = {line.split()[0]: line for line in done.stdout.splitlines()[2:]}
        assert list(rows) == ["vits", "viettts"]
        assert "installed" in rows["vits"]
        assert "to pull" in rows["viettts"]
        assert "CC BY-NC" in rows["viettts"]
        assert done.stderr.startswith("viettts: config.yaml, llm.pt, ")
        assert done.stderr.endswith("; loa engines pull viettts\n")

    def test_json(self, loa: Loa, settings: Settings) -> None:
        vits, viettts = json.loads(loa("engines", "list", "--json").stdout)
        assert (vits["name"], vits["installed"], vits["needs"]) == ("vits", True, None)
        assert (viettts["name"], viettts["installed"], viettts["remedy"]) == ("viettts", False, "loa engines pull viettts")


class TestShow:
    def test_what_a_person_must_know(self, loa: Loa, settings: Settings) -> None:
        shown = loa("engines", "show", "viettts").stdout
        for fact in ("CC BY-NC", "may not be used commercially", "https://huggingface.co/dangvansam/viet-tts", "best effort", "llm.pt"):
            assert fact in shown

    def test_an_engine_that_needs_nothing(self, loa: Loa, settings: Settings) -> None:
        shown = loa("engines", "show", "vits").stdout
        assert "Piper voices" in shown
        assert "licence" not in shown

    def test_an_unknown_one(self, loa: Loa, settings: Settings) -> None:
        done = loa("engines", "show", "sine")
        assert (done.exit_code, done.stdout) == (2, "")
        assert "has vits, viettts" in done.stderr


class TestPull:
    def test_shows_the_licence_then_installs_and_records_it(self, loa: Loa, settings: Settings, mirror: Path) -> None:
        done = loa("engines", "pull", "viettts", "--yes", "--json")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["installed"]
        for fact in ("CC BY-NC", "commercial use", "Not for sale."):
            assert done.stderr.index(fact) < done.stderr.index("llm.pt")  # before the first bar
        folder = mirror.with_suffix("")
        assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT
        assert json.loads((folder / PULL_RECORD).read_text())["licence"] == "CC BY-NC"
        assert "installed" in loa("engines", "list").stdout

    def test_without_yes_and_without_a_person_nothing_is_fetched(self, loa: Loa, server: SmallServer, mirror: Path) -> None:
        done = loa("engines", "pull", "viettts")
        assert done.exit_code == 2
        assert "accept the licence with --yes" in done.stderr
        assert server.seen == []

    def test_what_is_there_is_left_alone_unless_damaged_or_forced(
        self, loa: Loa, server: SmallServer, settings: Settings, mirror: Path
    ) -> None:
        assert loa("engines", "pull", "viettts", "--yes").exit_code == 0
        server.seen.clear()
        assert "is installed already" in loa("engines", "pull", "viettts").stderr
        assert server.seen == []
        model = EngineFiles.of("viettts", settings).paths()["language_model"]
        model.write_bytes(b"half")
        assert loa("engines", "pull", "viettts", "--yes").exit_code == 0
        assert model.read_bytes() == CONTENT["llm.pt"]
        server.seen.clear()
        assert loa("engines", "pull", "viettts", "--yes", "--force").exit_code == 0
        assert len(server.paths("GET")) == len(CONTENT)

    def test_a_broken_transfer_goes_on(self, loa: Loa, server: SmallServer, mirror: Path) -> None:
        server.faults = [cut(50_000)]
        assert loa("engines", "pull", "viettts", "--yes").exit_code == 0
        assert any("Range" in headers for _, _, headers, _ in server.seen)

    def test_an_engine_that_needs_nothing(self, loa: Loa, settings: Settings) -> None:
        done = loa("engines", "pull", "vits")
        assert (done.exit_code, done.stderr) == (0, "vits needs no files of its own: its voices bring all it needs\n")

    def test_packages_that_are_still_missing_are_named(self, loa: Loa, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("loa.engines.importable", lambda module: module != "tiktoken")
        done = loa("engines", "pull", "viettts", "--yes")
        assert done.exit_code == 0
        assert "viettts cannot speak here yet: tiktoken missing; pip install 'loa[worker,viettts]'" in done.stderr
