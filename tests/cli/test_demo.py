"""What a demo keeps to itself; tests/e2e runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from loa.cli.app import app
from loa.cli.demo import private_settings


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of this machine, with a voice that was pulled, and settings that name a service."""
    (tmp_path / "usual" / "voices" / "tieng").mkdir(parents=True)
    for name, value in {
        "DATA_DIR": str(tmp_path / "usual"),
        "REDIS_URL": "redis://prod",
        "ARTIFACTS": "s3://prod/loa",
        "PORT": "8298",
    }.items():
        monkeypatch.setenv(f"LOA_{name}", value)
    return tmp_path / "usual"


def test_a_demo_meets_no_other_service(usual: Path, tmp_path: Path) -> None:
    settings = private_settings(tmp_path / "scratch")
    assert (settings.redis_url, settings.port, settings.host) == ("", 0, "127.0.0.1")
    assert settings.artifacts == str(tmp_path / "scratch" / "artifacts")


def test_it_has_the_voices_of_this_machine_and_leaves_them_there(usual: Path, tmp_path: Path) -> None:
    settings = private_settings(tmp_path / "scratch")
    assert [path.name for path in (Path(settings.data_dir) / "voices").iterdir()] == ["tieng"]
    shutil.rmtree(settings.data_dir)
    assert (usual / "voices" / "tieng").is_dir()


def test_a_data_dir_of_its_own_keeps_its_own_voices(usual: Path, tmp_path: Path) -> None:
    (tmp_path / "kept" / "voices").mkdir(parents=True)
    private_settings(tmp_path / "kept")
    assert list((tmp_path / "kept" / "voices").iterdir()) == []


@pytest.mark.parametrize("target", ["demo.xyz", "no/such/folder/demo.wav"])
def test_usage_is_checked_before_anything_is_started(target: str) -> None:
    done = CliRunner().invoke(app, ["demo", "-o", target])
    assert done.exit_code == 2
    assert "starting" not in done.stderr
