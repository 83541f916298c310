"""GET /metrics, for Prometheus: what this process answers, and what the store counts of the whole service.

Requests are counted in this process; each API process is scraped by itself. Everything else is read from Redis at the scrape, in a few
round trips and without a look at any single job, so every API process tells the same. FAMILIES lists what is read: one function a subject.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

import loa
from loa.errors import StoreUnavailable
from loa.states import TERMINAL, State
from loa.store import Store

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})  # others are counted together: anybody can make up more
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # of a request; ?wait holds one for up to 60


def jobs(store: Store) -> Iterator[Metric]:
    counts = store.jobs.counts()
    standing = GaugeMetricFamily("loa_jobs", "Jobs that have not ended.", labels=["state"])
    ended = CounterMetricFamily("loa_jobs_ended", "Jobs that ended, ever.", labels=["state"])
    for state in State:
        (ended if state in TERMINAL else standing).add_metric([state.value], counts[state])
    yield from (standing, ended)


def queues(store: Store) -> Iterator[Metric]:
    gauges = {
        "ready_segments": GaugeMetricFamily("loa_backlog_items", "Segments, plans, assemblies that wait for a worker.", labels=["queue"]),
        "ready_seconds": GaugeMetricFamily("loa_backlog_audio_seconds", "Estimated audio of what waits.", labels=["queue"]),
        "hot_slots": GaugeMetricFamily("loa_hot_processes", "Worker processes that serve the queue.", labels=["queue"]),
    }
    counters = {
        "claims": CounterMetricFamily("loa_claims", "Times that a worker asked for work.", labels=["queue"]),
        "wakes": CounterMetricFamily("loa_wakes", "Wake-ups that reached a worker.", labels=["queue"]),
        "idle_wakes": CounterMetricFamily("loa_idle_wakes", "Wake-ups that found nothing to do.", labels=["queue"]),
        "losses": CounterMetricFamily("loa_losses", "Items that a worker had begun when it was lost.", labels=["queue"]),
        "bad_takes": CounterMetricFamily("loa_bad_takes", "Times that a segment was spoken and no speech came.", labels=["queue"]),
        "audio_seconds": CounterMetricFamily("loa_spoken_audio_seconds", "Audio that was spoken.", labels=["queue"]),
        "compute_seconds": CounterMetricFamily(
            "loa_spoken_compute_seconds", "Compute that this took; divided by the audio: the real-time factor.", labels=["queue"]
        ),
    }
    for name, queue in store.slots.backlog(totals=True).items():
        for field, family in (gauges | counters).items():
            family.add_metric([name], queue[field])
    yield from gauges.values()
    yield from counters.values()


def deliveries(store: Store) -> Iterator[Metric]:
    family = GaugeMetricFamily("loa_deliveries", "Webhooks by what became of them, as long as they are kept.", labels=["state"])
    for state, number in store.deliveries.counts().items():
        family.add_metric([state.value], number)
    yield family
    yield GaugeMetricFamily("loa_couriers", "Processes that deliver webhooks.", value=len(store.deliveries.couriers()))


def redis_server(store: Store) -> Iterator[Metric]:
    memory = store.database.command("info", "memory")
    yield GaugeMetricFamily("loa_redis_memory_bytes", "Memory that Redis uses.", value=memory["used_memory"])
    yield GaugeMetricFamily("loa_redis_memory_limit_bytes", "maxmemory of Redis; 0: no limit.", value=memory["maxmemory"])


def artifacts(store: Store) -> Iterator[Metric]:
    """As the last sweep found them: nothing is counted for a scrape."""
    report = store.house.report()
    if report is None:
        return
    size = GaugeMetricFamily("loa_artifact_bytes", "Bytes in the artifact store, as of the last sweep.", labels=["kind"])
    files = GaugeMetricFamily("loa_artifact_files", "Files in the artifact store, as of the last sweep.", labels=["kind"])
    for kind, tally in report["kinds"].items():
        size.add_metric([kind], tally["bytes"])
        files.add_metric([kind], tally["files"])
    yield from (size, files)
    removed = report["kinds"].values()
    yield GaugeMetricFamily("loa_sweep_timestamp_seconds", "When the last sweep began.", value=report["at"])
    yield GaugeMetricFamily("loa_sweep_seconds", "How long it took.", value=report["seconds"])
    yield GaugeMetricFamily("loa_sweep_removed_files", "Files that it removed.", value=sum(tally["removed_files"] for tally in removed))
    yield GaugeMetricFamily("loa_sweep_removed_bytes", "Bytes that it freed.", value=sum(tally["removed_bytes"] for tally in removed))


FAMILIES: tuple[Callable[[Store], Iterable[Metric]], ...] = (jobs, queues, deliveries, redis_server, artifacts)


class StoreCollector(Collector):
    """What FAMILIES read, and whether Redis answered."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """`store` gives the store, or raises StoreUnavailable."""
        self._store = store

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("loa", "The version of this process.", value={"version": loa.__version__})
        families: list[Metric] = []
        try:
            for read in FAMILIES:
                families += read(self._store())
            answers = 1
        except StoreUnavailable:
            answers = 0  # half of the truth is told as none of it
            families = []
        yield GaugeMetricFamily("loa_redis_up", "Whether Redis answered this scrape.", value=answers)
        yield from families

    def describe(self) -> Iterable[Metric]:
        return ()  # registering asks nobody


class Metrics:
    """The metrics of one API process."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("loa_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry)
        self._seconds = Histogram("loa_request_seconds", "From request to answer.", ["route"], buckets=SECONDS, registry=self.registry)
        ProcessCollector(registry=self.registry)  # process_start_time_seconds, memory, CPU, open files
        self.registry.register(StoreCollector(store))

    def install(self, app: Flask) -> None:
        """Count every request of an application."""
        app.before_request(_begin)
        app.after_request(self._count)

    def _count(self, response: Response) -> Response:
        # The rule and not the address: an id in a label would make a time series for every job.
        route = request.url_rule.rule if request.url_rule is not None else "none"
        method = request.method if request.method in METHODS else "other"
        self._requests.labels(method, route, response.status_code).inc()
        began = g.get("began")
        if began is not None:
            self._seconds.labels(route).observe(time.perf_counter() - began)
        return response


def _begin() -> None:
    g.began = time.perf_counter()
