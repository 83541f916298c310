"""Imports run one way: api → loa ← worker. Proved in processes of their own, by what is loaded in the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = "import importlib, pkgutil, {0}; [importlib.import_module(m.name) for m in pkgutil.walk_packages({0}.__path__, '{0}.')]"
FORBIDDEN = {
    "loa": ("flask", "celery", "kombu", "torch", "torchaudio", "api", "worker"),
    "api": ("torch", "torchaudio", "worker"),
    "worker": ("flask", "api"),
}


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_no_module_of_a_package_loads_what_it_may_not(package: str) -> None:
    script = f"{EVERYTHING.format(package)}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert f"{package}.__init__" in loaded or package in loaded
    assert loaded & set(FORBIDDEN[package]) == set()


def test_the_parent_of_the_worker_processes_loads_no_torch() -> None:
    script = "import worker.main, worker.app, worker.parent, worker.tasks, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout.split()
