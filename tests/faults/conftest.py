from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loa.broker import Broker
from tests.worker.fleet import Fleet


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    """Fleets with settings of their own, on a server of the test's own: Celery's queues have no prefix."""
    fleets: list[Fleet] = []
    with Broker(tmp_path / "redis") as broker:

        def make(**settings: Any) -> Fleet:
            fleets.append(Fleet(tmp_path, broker.url, **settings))
            return fleets[-1]

        yield make
        for fleet in fleets:
            fleet.close()
