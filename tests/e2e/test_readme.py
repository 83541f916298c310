"""Every command of README.md and README.vi.md, run as a reader would run it, in order, against one real service.

Only what must differ does: the port, Vietnamese voices and VietTTS's model, which are served from this machine under their real names, the
reader's own book, and `make`, whose targets this test run itself is a part of (.ci/run).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import soundfile

from loa.settings import Settings
from loa.stack import Stack
from loa.voices import VoiceRegistry
from tests.e2e.conftest import ROOT, surroundings
from tests.engines.viettts import published, tiny_frontend
from tests.unit.file_server import file_server
from tests.unit.reading import epub_maker

VIETNAMESE = "vi_VN-vais1000-medium"
PROMPTS = ("quynh", "cdteam", "nu-nhe-nhang")
ENGINE = "viettts.manifest"  # no voice: the catalogue's voices end in .toml
USUAL_PORT = 8298


BOOKS = {  # the book that a reader has → its chapters
    "book.epub": {"The Harbour": "Dr. Brown paid $20.", "The Hill": "The lamp was lit at 7:30 p.m.", "The Sea": "He walked 3 km."},
    "sach.epub": {"Bến cảng": "Anh trả 50k cho người lái đò.", "Ngọn đồi": "Đèn thắp lúc 7h30.", "Biển": "Anh đi bộ 3 km."},
}


def commands(readme: str) -> list[str]:
    """The lines of a README's `sh` blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / readme).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def book(chapters: dict[str, str]) -> bytes:
    """An EPUB of chapters by title."""
    pages = {f"{number}.xhtml": epub_maker.chapter(title, text) for number, (title, text) in enumerate(chapters.items(), 1)}
    toc = "".join(epub_maker.line(title, name) for title, name in zip(chapters, pages, strict=True))
    return epub_maker.epub(pages, toc=toc)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a manifest of the Vietnamese voice whose files are served here: joe's weights that read Vietnamese phonemes."""
    folder = tmp_path_factory.mktemp("catalogue")
    registry = VoiceRegistry(Settings.load({}))
    joe = registry.files(registry.get("joe"))
    config = json.loads(joe["config"].read_text(encoding="utf-8"))
    config["espeak"]["voice"] = "vi"
    bodies = {"model": joe["model"].read_bytes(), "config": json.dumps(config).encode()}
    manifest = (ROOT / "voices" / f"{VIETNAMESE}.toml").read_text(encoding="utf-8").partition("[[files]]")[0]
    with file_server() as server:
        for file in registry.get(VIETNAMESE).files:
            body = bodies[file.role]
            server.files[f"/{file.name}"] = body
            manifest += (
                f'[[files]]\nrole = "{file.role}"\nname = "{file.name}"\nurl = "{server.url}/{file.name}"\n'
                f'size = {len(body)}\nsha256 = "{hashlib.sha256(body).hexdigest()}"\n'
            )
        (folder / f"{VIETNAMESE}.toml").write_text(manifest, encoding="utf-8")
        (folder / "viettts").mkdir()
        published.write(folder / "viettts")
        tiny_frontend.write(folder / "viettts", vocabulary=published.TINY.flow.vocabulary)
        server.files |= {f"/{path.name}": path.read_bytes() for path in (folder / "viettts").iterdir()}
        server.files |= {f"/{name}.wav": b"a recording" for name in PROMPTS}
        for name in PROMPTS:
            text = (ROOT / "voices" / f"{name}.toml").read_text(encoding="utf-8").partition("[[files]]")[0]
            text += f'[[files]]\nrole = "prompt"\nname = "{name}.wav"\nurl = "{server.url}/{name}.wav"\n'
            (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        text = (ROOT / "loa" / "engine_manifests" / "viettts.toml").read_text(encoding="utf-8")
        (folder / ENGINE).write_text(re.sub(r'url = ".*/', f'url = "{server.url}/', text), encoding="utf-8")
        yield folder


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Stack]:
    """The service of `loa up`, with the real engine."""
    folder = tmp_path_factory.mktemp("speaking")
    (folder / "engines").mkdir()
    shutil.copy(catalogue / ENGINE, folder / "engines" / "viettts.toml")
    settings = Settings.load({}, data_dir=str(folder), port=0, voices=str(catalogue))
    with Stack(settings, output=lambda _part, _line: None) as running:
        running.wait_until_ready(seconds=settings.start_limit)
        yield running


@pytest.mark.parametrize("readme", ["README.md", "README.vi.md"])
def test_every_command(readme: str, speaking: Stack, catalogue: Path, tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "loa"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m loa "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name in ("README.md", "README.vi.md"):
        shutil.copy(ROOT / name, tmp_path)
    for name, chapters in BOOKS.items():
        (tmp_path / name).write_bytes(book(chapters))
    environment = surroundings(LOA_URL=speaking.url, LOA_DATA_DIR=speaking.settings.data_dir, LOA_VOICES=str(catalogue))
    port = str(speaking.settings.port)
    script = ["set -e"]
    for command in commands(readme):
        if command.startswith("make "):
            subprocess.run(["make", "--dry-run", *command.split()[1:]], cwd=ROOT, check=True, capture_output=True)
            if command in ("make test", "make lint"):
                assert command in (ROOT / ".ci" / "run").read_text()
        elif command == ".venv/bin/loa up":
            assert speaking.url, "the service that this test uses; tests/e2e/test_up_and_demo.py runs the command itself"
        else:
            script.append(command.replace(str(USUAL_PORT), port))
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    spoken = sorted(path for kind in ("wav", "mp3") for path in tmp_path.glob(f"*.{kind}"))
    assert len(spoken) >= 3
    for path in spoken:
        sound, rate = soundfile.read(path)
        assert len(sound) / rate > 0.5
        assert abs(sound).max() > 0.02, f"{path.name} is silent"
    (narrated,) = tmp_path.glob("*.m4b")
    with av.open(str(narrated)) as opened:
        assert [mark["metadata"]["title"] for mark in opened.chapters()] == list(BOOKS[narrated.with_suffix(".epub").name])


def test_the_first_command_is_the_demo() -> None:
    assert commands("README.md")[0] == "make demo"
    vietnamese = commands("README.vi.md")
    assert vietnamese[0] == "make demo"
    assert "loa say" in vietnamese[1]
    assert VIETNAMESE in vietnamese[1]
