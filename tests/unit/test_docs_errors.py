"""docs/errors.md has one row for every error code, with the status and the remedy of the code."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import loa
from loa.errors import LoaError, error_kinds

ROW = re.compile(
    r"^\| `(?P<code>\w+)` \| (?P<status>\d{3}) \| (?P<when>[^|]+) \| (?P<message>[^|]+) \| (?P<remedy>[^|]+) \|$", re.MULTILINE
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(DOCUMENT.read_text(encoding="utf-8")))


def test_every_code_has_its_row_and_no_row_is_of_another_age() -> None:
    kinds = error_kinds()
    assert [row["code"] for row in rows()] == sorted(kinds)
    wrong = [
        row["code"] for row in rows() if (int(row["status"]), row["remedy"]) != (kinds[row["code"]].status, kinds[row["code"]].remedy())
    ]
    assert not wrong, "status or remedy differ from loa/errors/"


def test_every_line_of_the_table_is_a_row() -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(rows())


def test_every_code_belongs_to_one_class_and_every_class_has_a_code_of_its_own() -> None:
    for module in pkgutil.walk_packages(loa.__path__, "loa."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    classes: list[type[LoaError]] = [LoaError]
    for kind in classes:
        classes.extend(kind.__subclasses__())
    codes = [kind.code for kind in classes]
    assert len(codes) == len(set(codes))
    assert len(codes) == len(error_kinds())


def test_every_remedy_is_a_sentence() -> None:
    for code, kind in error_kinds().items():
        assert re.fullmatch(r"[A-Z].{15,200}[.']", kind.remedy()), code
