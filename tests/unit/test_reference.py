"""The documents that are made from the code are up to date, and complete."""

from __future__ import annotations

import dataclasses
import runpy
from pathlib import Path

import pytest

from loa.bundles import BundleFile
from loa.settings import Settings, variable
from loa.voice_manifest import Voice

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = runpy.run_path(str(ROOT / "tools" / "reference.py"))["DOCUMENTS"]


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_document_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == DOCUMENTS[path](), "run `python tools/reference.py`"


def test_every_setting_is_documented_with_unit_and_reason() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(Settings):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{variable(field.name)}` |"))
        assert field.metadata["unit"] in row
        assert len(field.metadata["reason"]) > 10


def test_every_field_of_a_manifest_is_documented() -> None:
    text = (ROOT / "docs" / "voices.md").read_text(encoding="utf-8")
    fields = {field.name for kind in (Voice, BundleFile) for field in dataclasses.fields(kind)} - {"manifest", "addition"}
    assert {name for name in fields if f"| `{name}` |" not in text} == set()
    for voice in (ROOT / "voices").glob("*.toml"):
        assert f"`{voice.stem}`" in text
