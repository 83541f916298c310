"""The lock files agree with pyproject.toml, with each other, and with no particular machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["loa.lock", "dev.lock", "torch.lock", "pip.lock"]


def lines(name: str) -> list[str]:
    return (ROOT / "requirements" / name).read_text().splitlines()


def pins(name: str) -> dict[str, str]:
    """Package → exact version."""
    found = (re.match(r"([\w.-]+)==([\w.+!]+)", line) for line in lines(name))
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("name", LOCKS)
def test_every_version_is_pinned_with_a_hash(name: str) -> None:
    text = "\n".join(lines(name)[1:])
    for block in re.split(r"\n(?=\w)", text):
        assert re.match(r"[\w.-]+==[\w.]+( ; [^\\]+)? \\\n    --hash=sha256:[0-9a-f]{64}", block), block[:80]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_folder(name: str) -> None:
    assert not [line for line in lines(name) if re.search(r"://|--index|--find-links|file:|^-|\s/", line)]


def test_both_sets_have_the_same_versions() -> None:
    runtime, development = pins("loa.lock"), pins("dev.lock")
    assert runtime.items() <= development.items()


def test_torch_is_exactly_the_version_that_was_chosen_and_only_in_its_own_lock() -> None:
    chosen = dict(line.split("==") for line in lines("torch.in") if not line.startswith("#"))
    assert chosen == {"torch": "2.13.0", "torchaudio": "2.11.0"}
    assert chosen.items() <= pins("torch.lock").items()
    for name in ("loa.lock", "dev.lock"):
        assert not [package for package in pins(name) if re.match(r"torch|triton|nvidia-|cuda-", package)]


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {line for group in (project["dependencies"], *project["optional-dependencies"].values()) for line in group}
    names = {re.split(r"[\[<>=; ]", line)[0] for line in asked} - {"loa"}
    assert names <= pins("dev.lock").keys() | pins("torch.lock").keys()


def test_one_extra_has_everything_that_runs() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    parts = [name for name in extras if name not in ("all", "build", "test", "dev")]
    assert parts == ["api", "documents", "worker", "vits", "viettts", "deliver", "voices", "broker", "s3"]
    assert extras["all"] == [f"loa[{','.join(parts)}]"]
