"""What the steps of a verification leave behind."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from loa import __version__
from loa.errors import BrokenEngine
from loa.verification import Check, Report, Step, skipped

begun: list[str] = []
step = partial(Step, begun.append)


def test_a_step_is_what_it_found() -> None:
    with step("weights") as taken:
        taken.found("401 keys", keys=401)
    check = taken.check
    assert begun[-1] == "weights"
    assert (check.name, check.verdict, check.fact, check.figures) == ("weights", "passed", "401 keys", {"keys": 401})
    assert 0 <= check.seconds < 1
    assert taken.passed


def test_an_error_fails_the_step_and_goes_no_further() -> None:
    with step("weights") as taken:
        raise BrokenEngine("llm.pt is not whole", file="llm.pt")
    assert (taken.check.verdict, taken.check.fact) == ("failed", "llm.pt is not whole")
    with step("weights") as taken:
        taken.found("401 keys", keys=401)
        raise ZeroDivisionError("of nothing")
    assert (taken.check.verdict, taken.check.fact, taken.check.figures) == ("failed", "ZeroDivisionError: of nothing", {})


def test_a_step_that_says_nothing_has_not_passed() -> None:
    with step("weights") as taken:
        pass
    assert taken.check.verdict == "failed"


def test_whoever_wants_to_stop_may() -> None:
    with pytest.raises(KeyboardInterrupt), step("weights"):
        raise KeyboardInterrupt


def test_a_report_counts_and_says_what_is_wrong(tmp_path: Path) -> None:
    good = Check(name="files", verdict="passed", fact="all there", seconds=0.12345, figures={"bytes": 7})
    assert Report(engine="viettts", weights=tmp_path, checks=(good, skipped("speech", "no voice"))).passed
    bad = Check(name="weights", verdict="failed", fact="1 missing: x")
    report = Report(engine="viettts", weights=tmp_path, checks=(good, bad, skipped("speech", "no voice")))
    assert not report.passed
    written = json.loads(report.write(tmp_path).read_text(encoding="utf-8"))
    assert (written["engine"], written["loa"], written["weights"], written["passed"]) == ("viettts", __version__, str(tmp_path), False)
    assert written["counts"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert written["checks"][0] == {"name": "files", "verdict": "passed", "fact": "all there", "seconds": 0.123, "figures": {"bytes": 7}}
    assert [check["fact"] for check in written["checks"][1:]] == ["1 missing: x", "no voice"]
