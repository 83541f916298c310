"""What a request may wish for a book, the list of its chapters, and the preview of a text."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.book_schemas import ChaptersJson, PreviewJson
from api.schemas import JobJson
from api.service import Service
from loa.keys import PLAN
from loa.settings import Settings
from tests.api.stage import Player
from tests.api.test_submit import refused, submit, upload
from worker.planning import Planner

MANIFEST = 'title = "{name}"\nengine = "sine"\nlanguage = "{language}"\nsample_rate = 16000\nlicence = "CC0"\ncommercial_use = true\n'
BOOK = "# One\n\nThe first chapter.\n\n# Two\n\nThe second chapter.\n\n# Three\n\nThe third.\n"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "voices-here"
    folder.mkdir()
    for name, language in (("vy", "vi-VN"), ("ed", "en-GB"), ("anya", "ru-RU")):
        (folder / f"{name}.toml").write_text(MANIFEST.format(name=name, language=language))
    lexicon = tmp_path / "lexicon.toml"
    lexicon.write_text('[all]\n"Loa" = "loah"\n')
    return dataclasses.replace(settings, voices=f"{settings.voices}:{folder}", lexicon=str(lexicon))


def plan(service: Service, player: Player) -> None:
    """Do the one planning that waits."""
    planner = Planner(service.store, service.artifacts, service.voices, service.settings)
    planner.plan(player.claim(PLAN))


def test_a_job_has_a_voice_for_each_language(client: FlaskClient, service: Service) -> None:
    job = submit(client, voice=None, voices={"vi-VN": "vy", "en": "ed"}, input="Problem / Vấn đề").json
    assert JobJson.model_validate(job)
    assert (job["voice"], job["voices"]) == ("vy", {"vi": "vy", "en": "ed"})
    assert service.store.jobs.get(job["id"]).voices["en"].engine == "sine"


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"voices": {"vi": "nobody"}}, 404, "unknown_voice"),
        ({"voices": {"vi": "vy", "vi-VN": "ed"}}, 400, "invalid_voices"),
        ({"voices": {"vi": "ed"}}, 400, "invalid_voices"),
        ({"voices": {"klingon!": "vy"}}, 400, "invalid_voices"),
        ({"voices": {f"a{letter}": "vy" for letter in "abcdefghi"}}, 400, "invalid_voices"),
        ({"chapters": "1"}, 400, "invalid_chapters"),
        ({"lexicon": {"x": "…"}}, 400, "invalid_lexicon"),
        ({"pauses": {"breath": 1}}, 400, "invalid_pauses"),
        ({"pauses": {"chapter": 60_000}}, 400, "invalid_pauses"),
        ({"pauses": {"chapter": "long"}}, 400, "invalid_request"),
        ({"allow_partial": "yes"}, 400, "invalid_request"),
    ],
)
def test_wishes_that_cannot_be_had(client: FlaskClient, wish: dict[str, Any], status: int, code: str) -> None:
    refused(submit(client, **wish), status, code)


def test_wishes_of_a_file_come_as_json_in_its_form(client: FlaskClient, service: Service, player: Player) -> None:
    wishes = {"voices": '{"vi": "vy"}', "lexicon": '{"second": "next"}', "pauses": '{"chapter": 3000}', "chapters": "2-3", "author": "Ann"}
    response = upload(client, BOOK.encode(), "book.md", allow_partial="true", **wishes)
    assert response.status_code == 202, response.json
    player.announce()
    plan(service, player)
    job = service.store.jobs.get(response.json["id"])
    assert (job.allow_partial, job.author, job.pauses, job.chapters_wanted) == (True, "Ann", {"chapter": 3000}, "2-3")
    written = json.loads(service.artifacts.read(job.plan))
    assert [chapter["number"] for chapter in written["chapters"]] == [2, 3]
    assert "The next chapter." in [segment.get("spoken") for segment in written["segments"]]
    assert 3.0 in [segment["pause"] for segment in written["segments"]]
    assert written["document"]["author"] == "Ann"
    assert job.characters == sum(len(segment["text"]) for segment in written["segments"]) < len(BOOK)


def test_a_book_in_other_letters_is_read_by_the_voice_of_its_language(client: FlaskClient, service: Service, player: Player) -> None:
    page = '<!DOCTYPE html><html lang="ru"><body><p>Это книга на русском языке.</p></body></html>'
    job_id = upload(client, page.encode(), "book.html", voice="ed", voices='{"ru": "anya"}').json["id"]
    player.announce()
    plan(service, player)
    job = service.store.jobs.get(job_id)
    assert job.error is None
    assert [segment["voice"] for segment in json.loads(service.artifacts.read(job.plan))["segments"]] == ["anya"]


def test_a_wish_makes_another_request(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "book-1"}
    assert submit(client, headers, voices={"vi": "vy"}).status_code == 202
    again = submit(client, headers, voices={"vi": "vy"})
    assert again.headers["Idempotent-Replay"] == "true"
    refused(submit(client, headers, voices={"vi": "ed"}), 422, "idempotency_conflict")
    refused(submit(client, headers), 422, "idempotency_conflict")


def test_the_chapters_of_a_job(client: FlaskClient, service: Service, player: Player) -> None:
    job_id = upload(client, BOOK.encode(), "book.md", chapters="1,3").json["id"]
    assert client.get(f"/v1/jobs/{job_id}/chapters").json == {"job": job_id, "planned": False, "chapters": [], "omissions": []}
    player.announce()
    plan(service, player)
    listed = client.get(f"/v1/jobs/{job_id}/chapters").json
    assert ChaptersJson.model_validate(listed)
    assert [(chapter["number"], chapter["title"], chapter["spoken"]) for chapter in listed["chapters"]] == [
        (1, "One", True), (2, "Two", False), (3, "Three", True),
    ]  # fmt: skip
    shown = client.get(f"/v1/jobs/{job_id}").json["progress"]
    assert (shown["chapters_total"], shown["chapters_done"], shown["chapter"]) == (2, 0, "One")


def test_chapters_that_the_document_does_not_have_fail_the_job(client: FlaskClient, service: Service, player: Player) -> None:
    job_id = upload(client, BOOK.encode(), "book.md", chapters="9").json["id"]
    player.announce()
    plan(service, player)
    assert client.get(f"/v1/jobs/{job_id}").json["error"]["code"] == "invalid_chapters"


def test_a_list_that_is_no_longer_kept(client: FlaskClient, service: Service, player: Player) -> None:
    job_id = upload(client, BOOK.encode(), "book.md").json["id"]
    player.announce()
    plan(service, player)
    for stored in list(service.artifacts.walk("plans")):
        service.artifacts.delete(stored.path)
    refused(client.get(f"/v1/jobs/{job_id}/chapters"), 410, "audio_expired")


def test_a_job_that_is_nobodys_has_no_chapters(client: FlaskClient) -> None:
    refused(client.get("/v1/jobs/job_0123456789abcdef01234567/chapters"), 404, "unknown_job")


# --- preview


def test_a_preview_shows_every_change_and_language(client: FlaskClient) -> None:
    answer = client.post("/v1/preview", json={"input": "Problem / Vấn đề. We ask Loa again, all of us.", "lexicon": {"again": "once more"}})
    shown = answer.json
    assert PreviewJson.model_validate(shown)
    assert [(segment["text"], segment["language"], segment["voice"]) for segment in shown["segments"]] == [
        ("Problem", "en", None), ("Vấn đề.", "vi", None), ("We ask Loa again, all of us.", "en", None),
    ]  # fmt: skip
    last = shown["segments"][-1]
    assert last["spoken"] == "We ask loah once more, all of us."
    assert last["changes"] == [
        {"start": 7, "from": "Loa", "to": "loah", "rule": "lexicon"},
        {"start": 11, "from": "again", "to": "once more", "rule": "lexicon"},
    ]


def test_a_preview_is_what_a_job_speaks(client: FlaskClient, service: Service, player: Player) -> None:
    text = "Problem / Vấn đề. In May we ask Loa again. " * 12
    voices = {"voice": "ed", "voices": {"vi": "vy"}}
    shown = client.post("/v1/preview", json={"input": text, **voices}).json["segments"]
    job_id = submit(client, input=text, **voices).json["id"]
    player.announce()
    plan(service, player)
    written = json.loads(service.artifacts.read(service.store.jobs.get(job_id).plan))["segments"]
    assert [(one["text"], one["spoken"], one["voice"]) for one in shown] == [
        (one["text"], one.get("spoken", one["text"]), one.get("voice", "ed")) for one in written
    ]


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"input": "…"}, 400, "empty_text"),
        ({"input": "x" * 20_001}, 400, "invalid_request"),
        ({"input": "x", "voice": "nobody"}, 404, "unknown_voice"),
        ({"input": "x", "voice": "ed", "language": "en"}, 400, "invalid_voices"),
        ({"input": "x", "language": "!"}, 400, "invalid_request"),
        ({"input": "x", "lexicon": {"x": ""}}, 400, "invalid_lexicon"),
        ({}, 400, "invalid_request"),
    ],
)
def test_previews_that_cannot_be_had(client: FlaskClient, wish: dict[str, Any], status: int, code: str) -> None:
    refused(client.post("/v1/preview", json=wish), status, code)
