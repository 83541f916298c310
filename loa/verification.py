"""Verifying an engine: it is tried step by step, with the real files of its model, on the machine that is to speak with it.

The steps are the engine's own (loa/engines.py names the module of the worker that has them); what a step found is a `Check`. Here is what
the worker, which takes the steps, and the command line, which shows them, have in common.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from loa import __version__
from loa.errors import LoaError

Verdict = Literal["passed", "failed", "skipped"]
VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "skipped")
REPORT = "report.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one step found."""

    name: str
    verdict: Verdict
    fact: str  # for people; of a step that failed or was skipped: why
    seconds: float = 0.0
    figures: Mapping[str, Any] = field(default_factory=dict)  # for programs, as JSON takes them

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"seconds": round(self.seconds, 3)}


def skipped(name: str, why: str) -> Check:
    """A step that was not taken."""
    return Check(name=name, verdict="skipped", fact=why)


class Step:
    """A step while it is taken, as a `with` block: it passes when it says what it found, and fails when it raises.

    An error ends the block and no more than that, so that one run tells everything that is wrong.
    """

    def __init__(self, begin: Callable[[str], None], name: str) -> None:
        """begin: told the name when the step begins."""
        self._begin, self._name = begin, name
        self._verdict: Verdict = "failed"
        self._fact, self._figures = "it found nothing", dict[str, Any]()
        self._seconds = 0.0

    def found(self, fact: str, **figures: Any) -> None:
        self._conclude("passed", fact, figures)

    def fail(self, why: str, **figures: Any) -> None:
        self._conclude("failed", why, figures)

    def skip(self, why: str) -> None:
        self._conclude("skipped", why, {})

    @property
    def passed(self) -> bool:
        return self._verdict == "passed"

    @property
    def check(self) -> Check:
        """What became of it, once the block has ended."""
        return Check(name=self._name, verdict=self._verdict, fact=self._fact, seconds=self._seconds, figures=self._figures)

    def __enter__(self) -> Self:
        self._begin(self._name)
        self._seconds = -time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self._seconds += time.perf_counter()
        if not isinstance(error, Exception):
            return False  # nothing happened, or somebody wants to stop
        log.debug("%s failed", self._name, exc_info=error)
        self._conclude("failed", error.message if isinstance(error, LoaError) else f"{type(error).__name__}: {error}", {})
        return True

    def _conclude(self, verdict: Verdict, fact: str, figures: dict[str, Any]) -> None:
        self._verdict, self._fact, self._figures = verdict, fact, figures


Steps = Callable[[str], Step]  # the name of a step → the step, to be taken


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a verification found."""

    engine: str
    weights: Path  # the folder with the engine's files
    checks: tuple[Check, ...]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many checks had each verdict."""
        counted = Counter(check.verdict for check in self.checks)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    @property
    def passed(self) -> bool:
        return not self.counts["failed"]

    def to_json(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "loa": __version__,
            "created_at": self.created.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "weights": str(self.weights.absolute()),
            "passed": self.passed,
            "counts": self.counts,
            "checks": [check.to_json() for check in self.checks],
        }

    def write(self, folder: Path) -> Path:
        """Put it into a folder, as REPORT."""
        path = folder / REPORT
        path.write_text(json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return path
