"""An application with a store, an artifact folder and voices of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.service import Service
from loa.broker import Broker
from loa.settings import Settings
from loa.store import Store
from tests.api.stage import Player, Served, serve
from tests.conftest import VOICES, emptied
from tests.leaks import assert_no_leaks

DATABASE = 5  # of the session's broker: Celery's keys have no prefix


@pytest.fixture
def redis_url(broker: Broker) -> Iterator[str]:
    with emptied(broker, DATABASE) as url:
        yield url


@pytest.fixture(autouse=True)
def _no_leaks(redis_url: str) -> Iterator[None]:
    """Whatever a test does, its jobs can end and nothing of them stays in Redis. It comes first, so that it looks last."""
    yield
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert_no_leaks(Store(client, Settings.load({}, redis_url=redis_url)))


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    return Settings.load({}, redis_url=redis_url, data_dir=str(tmp_path), voices=str(VOICES), reconcile=0.2)


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Opened, without its threads."""
    made = Service(settings)
    made.open()
    yield made
    made.stop()


@pytest.fixture
def app(service: Service) -> Flask:
    return create_app(service.settings, service)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def player(service: Service) -> Player:
    """A worker that does what the test says; not announced yet."""
    return Player(service.store, service.artifacts)


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    """A real server process on the same Redis and the same folder."""
    with serve(settings) as found:
        yield found
