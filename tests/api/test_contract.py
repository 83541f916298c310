"""What schemathesis makes of the project's own OpenAPI document: whatever it sends, the answers are those that the document promises.

It reads the document, makes requests that obey it and requests that break it, follows what one answer says about the next, and checks:
no server error; status, content type and body are documented; what breaks the document is refused; an undocumented method is answered 405
with Allow. The requests are the same in every run. `LOA_FAULTS=full` makes many times as many.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis import GenerationMode
from schemathesis.engine import events, from_schema

from api.service import Service
from loa.settings import Settings
from tests.api.stage import Player
from tests.api.test_submit import submit
from tests.faults.rows import sized

EXAMPLES = sized(6, 300)  # a call, in each of the phases

# What a request may be refused for that obeys the document: it depends on the installation, on earlier requests, or on what the text says.
MEANING = frozenset(
    {
        *("empty_text", "text_too_long", "unreadable_document", "unsupported_media_type", "idempotency_conflict"),
        *("document_too_large", "invalid_chapters", "invalid_lexicon", "invalid_voices"),
        *("unreadable_recording", "unknown_engine", "unknown_voice", "voice_not_installed", "voice_exists", "voice_not_removable"),
        *("unknown_delivery", "invalid_webhook", "unknown_job", "job_not_finished", "job_canceled", "job_failed", "range_not_satisfiable"),
    }
)


@dataclass(frozen=True)
class Finding:
    """A check that an answer did not pass."""

    call: str
    check: str
    told: str

    def __str__(self) -> str:
        return f"{self.call}, {self.check}: {self.told}"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, lease=3600.0)  # the worker stays hot


@pytest.fixture
def application(app: Flask, service: Service, player: Player) -> Flask:
    """With a job in several states, a hot worker, and nobody who lets a request wait."""
    player.announce()
    client = app.test_client()
    assert submit(client).status_code == 202
    player.finish()
    assert submit(client).status_code == 202
    service.waiters.close()
    return app


def test_every_answer_is_as_the_document_says(application: Flask) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", application)
    schema.config.generation.update(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], max_examples=EXAMPLES, deterministic=True, database="none"
    )
    found, sent = set[Finding](), 0
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.FatalError | events.NonFatalError), event.info
        if isinstance(event, events.ScenarioFinished):
            sent += len(event.recorder.cases)
            found |= set(findings(event))
    assert not found, "\n".join(sorted(map(str, found)))
    assert sent > 10 * len(schema)  # it did work


def findings(event: events.ScenarioFinished) -> Iterator[Finding]:
    recorder = event.recorder
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None or (check.name == "positive_data_acceptance" and code(recorder, case_id) in MEANING):
                continue
            case = recorder.cases[case_id].value
            yield Finding(f"{case.method} {case.path}", check.name, f"{check.failure_info.failure}\n{check.failure_info.code_sample}")


def code(recorder: Any, case_id: str) -> str | None:
    """Of the problem that a request was answered with."""
    response = recorder.interactions[case_id].response
    problem = response.json() if response is not None and response.content else {}
    return problem.get("code") if isinstance(problem, dict) else None
