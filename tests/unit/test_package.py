"""What `pip install loa` installs: the code, and the files beside it that the code reads."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import loa

ROOT = Path(__file__).parents[2]
DATA = (
    "voices/*.toml",
    "loa/engine_manifests/*.toml",
    "loa/store/scripts/*.lua",
    "api/templates/*",
    "worker/engines/viettts/multilingual.*",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel as pip builds it, offline."""
    folder = tmp_path_factory.mktemp("wheel")
    fixed = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *fixed, "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("loa-*.whl")
    with zipfile.ZipFile(built) as opened:
        yield opened


@pytest.mark.parametrize("pattern", DATA)
def test_data_files_are_in_the_wheel(wheel: zipfile.ZipFile, pattern: str) -> None:
    wanted = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
    assert wanted
    assert wanted <= set(wheel.namelist())


def test_nothing_else_of_the_repository_is(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"loa", "api", "worker", "voices", f"loa-{loa.__version__}.dist-info"}


def test_the_command_is_loa(wheel: zipfile.ZipFile) -> None:
    entry_points = wheel.read(f"loa-{loa.__version__}.dist-info/entry_points.txt").decode()
    assert entry_points.split() == ["[console_scripts]", "loa", "=", "loa.cli:main"]


def test_the_wheel_tells_its_licence_and_pythons(wheel: zipfile.ZipFile) -> None:
    told = metadata.PathDistribution(zipfile.Path(wheel) / f"loa-{loa.__version__}.dist-info").metadata
    assert told["License-Expression"] == "Apache-2.0"
    assert set(told["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    for file in ("LICENSE", "worker/engines/viettts/multilingual.tiktoken.licence"):
        assert f"loa-{loa.__version__}.dist-info/licenses/{file}" in wheel.namelist()


def test_python_m_loa_is_the_command() -> None:
    answer = subprocess.run([sys.executable, "-m", "loa", "--version"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    assert answer.stdout.strip() == f"loa {loa.__version__}"
