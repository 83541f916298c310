"""An office of its own for every test: a database of the session's server, emptied before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.broker import Broker
from tests.conftest import emptied
from tests.webhooks.office import Office, opened

DATABASE = 6  # of the session's broker


@pytest.fixture
def redis_url(broker: Broker) -> Iterator[str]:
    with emptied(broker, DATABASE) as url:
        yield url


@pytest.fixture
def office(redis_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path, redis_url) as found:
        yield found
