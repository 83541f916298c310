from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.rows import FULL, PROPERTY, Row, table
from tests.worker.fleet import Fleet, fleets


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    with fleets(tmp_path) as make:
        yield make


@pytest.fixture
def fault_row(request: pytest.FixtureRequest) -> Iterator[Callable[..., Row]]:
    """Makes the row of a test. It travels with the test's report, also out of a process of pytest-xdist."""
    made: list[Row] = []

    def make(fault: str, mark: str, *, within: float | None = None) -> Row:
        row = Row(fault=fault, mark=mark, within=within)
        made.append(row)
        request.node.user_properties.append((PROPERTY, vars(row)))  # the report is made when the row is filled in
        return row

    yield make
    assert made, "a test of a fault has a row"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of `make faults`."""
    reports = [report for kind in ("passed", "failed", "error") for report in terminalreporter.stats.get(kind, [])]
    found = [Row(**value) for report in reports for name, value in getattr(report, "user_properties", ()) if name == PROPERTY]
    rows = list({row.fault: row for row in found}.values())
    if FULL and rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(table(row.cells() for row in rows))
