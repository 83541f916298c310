"""POST and DELETE /v1/voices: what is accepted, what is refused and why, and what another process sees of it."""

from __future__ import annotations

import dataclasses
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse, create_environ, run_wsgi_app
from werkzeug.wrappers import Request

from api.app import create_app
from api.schemas import VoiceJson
from api.service import Service
from loa.artifacts import Artifacts
from loa.bundles import BundleFile
from loa.errors import StorageFull, StoreUnavailable
from loa.recordings import Recordings, state_path
from loa.settings import Settings
from loa.voice_desk import MOST_BYTES, NAME_RULE
from loa.voice_prompt import LONGEST, SHORTEST
from loa.voice_record import write_record
from tests.api.stage import SPEAK, Served
from tests.api.test_submit import refused, submit
from tests.babble import babble, recording

ANNA = recording(seed=1)
CONSENT = "I am Anna, and I agree."


def add(client: FlaskClient, content: bytes | None = ANNA, filename: str = "anna.wav", **fields: Any) -> TestResponse:
    """A field that is None is left out."""
    form = {"name": "anna", "language": "vi-VN", "licence": "CC BY 4.0", "consent": CONSENT, "engine": "sine", **fields}
    data: dict[str, Any] = {name: value for name, value in form.items() if value is not None}
    if content is not None:
        data["file"] = (io.BytesIO(content), filename)
    return client.post("/v1/voices", data=data, content_type="multipart/form-data")


def prompts(service: Service) -> list[str]:
    return sorted(stored.path for stored in service.artifacts.walk("voices"))


@pytest.fixture
def there(service: Service) -> FlaskClient:
    """Another API process, which has looked just now."""
    other = Service(service.settings)
    other.open()
    client = create_app(other.settings, other).test_client()
    assert client.get("/v1/voices").status_code == 200
    return client


# --- added ------------------------------------------------------------------------------------------------------------


def test_a_voice_is_added_and_shown_with_its_licence_and_consent(client: FlaskClient) -> None:
    response = add(client, title="Anna, gentle", commercial_use="false")
    assert response.status_code == 201, response.json
    assert response.headers["Location"] == "/v1/voices/anna"
    voice = response.json
    assert VoiceJson.model_validate(voice)
    assert (voice["name"], voice["title"], voice["language"], voice["engine"]) == ("anna", "Anna, gentle", "vi-VN", "sine")
    assert (voice["added"], voice["installed"], voice["common"]) == (True, True, False)
    assert (voice["licence"], voice["commercial_use"], voice["consent"]) == ("CC BY 4.0", False, CONSENT)
    assert voice["created_at"].startswith("20")
    assert (voice["bytes"], voice["files"][0]["role"]) == (len(ANNA), "prompt")
    assert client.get("/v1/voices/anna").json == voice
    assert voice in client.get("/v1/voices").json["voices"]


def test_what_is_not_said_has_a_default(client: FlaskClient) -> None:
    voice = add(client).json
    assert (voice["title"], voice["commercial_use"]) == ("anna", None)


def test_the_default_engine_is_viettts(client: FlaskClient) -> None:
    voice = add(client, engine=None).json
    assert (voice["engine"], voice["engine_available"]) == ("viettts", True)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_recording_is_what_it_is_whatever_it_is_called(client: FlaskClient, service: Service, form: str) -> None:
    content = recording(form=form)
    voice = add(client, content, filename="../../etc/passwd").json
    (path,) = prompts(service)
    assert path == f"voices/prompts/{voice['files'][0]['sha256']}.{form.lower()}"
    assert voice["files"][0]["name"] == f"anna.{form.lower()}"
    assert service.artifacts.read(path) == content


def test_stereo_of_another_rate(client: FlaskClient) -> None:
    pcm = np.repeat(babble(3.5), 2)
    assert add(client, recording(np.stack([pcm, pcm], axis=1), rate=32_000)).status_code == 201


def test_a_voice_can_be_spoken_with_through_another_process_at_once(client: FlaskClient, there: FlaskClient, service: Service) -> None:
    add(client)
    job = submit(there, voice="anna")
    assert job.status_code == 202
    kept = service.store.jobs.get(job.json["id"])
    assert (kept.engine, kept.fingerprint) == ("sine", service.voices.fingerprint(service.voices.get("anna")))
    assert service.store.slots.backlog()[SPEAK]["ready_segments"] == 1
    assert there.get("/v1/voices/anna").json["consent"] == CONSENT


def test_a_submission_asks_the_store_for_no_voice(app: Flask, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the threads of a real server: neither for an added voice nor for any other."""
    client = app.test_client()
    add(client)
    service._added.start(service._background.voices)

    def fail(*_: object) -> None:
        raise AssertionError("a request asked the store for a voice")

    monkeypatch.setattr(service.store.voices, "all", fail)
    monkeypatch.setattr(service.store.voices, "find", fail)
    for voice in ("anna", "sine"):
        assert submit(client, voice=voice).status_code == 202


# --- the same name again ------------------------------------------------------------------------------------------------


def test_the_very_same_voice_may_be_added_again(client: FlaskClient, there: FlaskClient, service: Service) -> None:
    first = add(client)
    again = add(there)
    assert (again.status_code, again.json, again.headers["Location"]) == (200, first.json, "/v1/voices/anna")
    assert len(prompts(service)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"content": recording(seed=2)},
        {"title": "Another Anna"},
        {"language": "en-US"},
        {"licence": "CC0"},
        {"consent": "I am her agent."},
        {"commercial_use": "true"},
        {"engine": "viettts"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_voice_of_the_same_name_is_refused(client: FlaskClient, service: Service, change: dict[str, Any]) -> None:
    first = add(client).json
    problem = refused(add(client, **change), 409, "voice_exists")
    assert problem["details"] == {"voice": "anna"}
    assert client.get("/v1/voices/anna").json == first
    assert len(prompts(service)) == 1


@pytest.mark.parametrize("name", ["joe", "quynh", "sine"])
def test_the_name_of_a_manifest_is_taken(client: FlaskClient, service: Service, name: str) -> None:
    refused(add(client, name=name), 409, "voice_exists")
    assert prompts(service) == []


def test_the_name_of_a_broken_manifest_is_taken(client: FlaskClient, settings: Settings) -> None:
    folder = Path(settings.data_dir) / "voices"
    folder.mkdir()
    (folder / "anna.toml").write_text("title = 5")
    assert "cannot be used" in refused(add(client), 409, "voice_exists")["detail"]


def test_of_many_who_want_one_name_one_gets_it(app: Flask, service: Service) -> None:
    ready = threading.Barrier(4)
    answers: list[TestResponse] = []

    def go(number: int) -> None:
        ready.wait(10)
        answers.append(add(app.test_client(), recording(seed=number)))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    (winner,) = [answer.json for answer in answers if answer.status_code == 201]
    assert prompts(service) == [f"voices/prompts/{winner['files'][0]['sha256']}.wav"]  # what the others sent is gone


# --- refused ------------------------------------------------------------------------------------------------------------


def noisy() -> np.ndarray:
    pcm = babble()
    return pcm + np.random.default_rng(0).normal(size=len(pcm), scale=float(pcm.std()) / 2).astype(np.float32)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (lambda: b"", "unreadable_recording", "no audio file"),
        (lambda: b"This is a letter, not a voice.", "unreadable_recording", "no audio file"),
        (lambda: ANNA[:30], "unreadable_recording", "no audio file"),
        (lambda: recording(form="AIFF"), "unreadable_recording", "in the format AIFF; a voice takes wav, flac, ogg or mp3"),
        (lambda: recording(seconds=2.9), "recording_too_short", "lasts 2.9 s; a voice takes at least 3 s"),
        (lambda: recording(babble(30.5)[::2], rate=8000), "recording_too_long", "more than 30 s"),
        (lambda: recording(np.zeros(80_000)), "recording_silent", "is silent"),
        (lambda: recording(babble() * 0.01), "recording_silent", "too quiet"),
        (lambda: recording(np.clip(babble() * 6, -1, 1)), "recording_clipped", "are cut off"),
        (lambda: recording(noisy()), "recording_noisy", "above the noise"),
        (lambda: recording(0.3 * np.sin(np.arange(80_000) / 5)), "no_speech", "nobody speaks"),
    ],
)
def test_a_recording_that_cannot_become_a_good_voice(
    client: FlaskClient, service: Service, content: Callable[[], bytes], code: str, words: str
) -> None:
    assert words in refused(add(client, content()), 422, code)["detail"]
    assert prompts(service) == []
    assert service.store.voices.all() == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": None}, "name: is missing"),
        ({"name": ""}, f"name takes {NAME_RULE}"),
        ({"name": "../anna"}, "name takes"),
        ({"name": "Änna"}, "name takes"),
        ({"name": ".anna"}, "name takes"),
        ({"name": "a" * 65}, "name takes"),
        ({"name": "anna\n"}, "name takes"),
        ({"language": None}, "language: is missing"),
        ({"language": "Vietnamese"}, "language takes a language tag such as vi-VN"),
        ({"licence": None}, "licence: is missing"),
        ({"licence": "  "}, "licence may not be empty"),
        ({"consent": None}, "consent: is missing"),
        ({"consent": ""}, "consent: "),
        ({"consent": " \n "}, "consent may not be empty"),
        ({"consent": "x" * 2001}, "consent: "),
        ({"title": "x" * 301}, "title: "),
        ({"commercial_use": "perhaps"}, "commercial_use: "),
        ({"engine": "vits"}, "the engine 'vits' makes no voice of a recording; choose viettts"),
        ({"content": None}, "file: is missing"),
        ({"content": None, "file": "as text"}, "file was sent as text"),
        ({"colour": "red"}, "colour: there is no such field"),
        ({"name": ["anna", "berta"]}, "name is given more than once"),
    ],
)
def test_a_field_that_is_wrong_is_named(client: FlaskClient, service: Service, fields: dict[str, Any], words: str) -> None:
    assert words in refused(add(client, **fields), 400, "invalid_request")["detail"]
    assert prompts(service) == []


def test_an_engine_that_is_not_here(client: FlaskClient) -> None:
    refused(add(client, engine="gramophone"), 409, "unknown_engine")


def test_only_a_form_is_taken(client: FlaskClient) -> None:
    problem = refused(client.post("/v1/voices", json={"name": "anna"}), 415, "unsupported_media_type")
    assert "takes multipart/form-data" in problem["detail"]


def test_a_body_that_is_too_large_is_refused_before_it_is_parsed(app: Flask) -> None:
    class Body(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("the body was read")

    environment = create_environ("/v1/voices", method="POST", content_type="multipart/form-data; boundary=x")
    response = TestResponse(
        *run_wsgi_app(app.wsgi_app, environment | {"wsgi.input": Body(), "CONTENT_LENGTH": str(MOST_BYTES + 2**21)}),
        request=Request(environment),
    )
    assert "the limit is 51,000,000" in refused(response, 413, "body_too_large")["detail"]


def test_the_servers_own_limit_may_be_lower(settings: Settings) -> None:
    service = Service(dataclasses.replace(settings, body_limit=10_000))
    service.open()
    refused(add(create_app(service.settings, service).test_client()), 413, "body_too_large")


def test_a_full_disk_leaves_no_voice(client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageFull("the disk is full")

    monkeypatch.setattr(Artifacts, "write", full)
    refused(add(client), 507, "storage_full")
    assert service.store.voices.all() == {}


def test_without_redis_nothing_is_kept(client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(service.store.voices, "find", away)
    refused(add(client), 503, "store_unavailable")
    assert prompts(service) == []


# --- removed ------------------------------------------------------------------------------------------------------------


def test_a_removed_voice_is_gone_with_all_that_was_made_of_it(client: FlaskClient, service: Service) -> None:
    add(client)
    fingerprint = service.voices.fingerprint(service.voices.get("anna"))
    for version in (1, 2):
        service.artifacts.write(state_path("sine", version, fingerprint), b"what an engine made of it")
    service.artifacts.write(state_path("sine", 1, "0" * 64), b"another voice")
    response = client.delete("/v1/voices/anna")
    assert (response.status_code, response.data) == (204, b"")
    assert prompts(service) == [state_path("sine", 1, "0" * 64)]
    refused(client.get("/v1/voices/anna"), 404, "unknown_voice")
    assert "anna" not in [voice["name"] for voice in client.get("/v1/voices").json["voices"]]
    refused(submit(client, voice="anna"), 404, "unknown_voice")
    refused(client.delete("/v1/voices/anna"), 404, "unknown_voice")


def test_what_a_worker_keeps_while_the_voice_is_removed_is_gone_as_well(
    client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(client)
    state = state_path("sine", 1, service.voices.fingerprint(service.voices.get("anna")))
    remove = service.store.voices.remove

    def remove_late(name: str, kept: str, owner: str) -> bool:
        service.artifacts.write(state, b"what an engine made of it")
        return remove(name, kept, owner)

    monkeypatch.setattr(service.store.voices, "remove", remove_late)
    assert client.delete("/v1/voices/anna").status_code == 204
    assert prompts(service) == []


def test_a_name_is_free_again_after_the_removal(client: FlaskClient) -> None:
    add(client)
    client.delete("/v1/voices/anna")
    assert add(client, recording(seed=2), title="Another Anna").status_code == 201
    assert client.get("/v1/voices/anna").json["title"] == "Another Anna"


def test_a_recording_that_another_voice_needs_stays(client: FlaskClient, service: Service) -> None:
    add(client)
    add(client, name="berta")
    state = state_path("sine", 1, service.voices.fingerprint(service.voices.get("berta")))
    service.artifacts.write(state, b"what an engine made of it")
    assert client.delete("/v1/voices/anna").status_code == 204
    assert len(prompts(service)) == 2
    assert client.delete("/v1/voices/berta").status_code == 204
    assert prompts(service) == []


@pytest.mark.parametrize("name", ["joe", "quynh", "sine"])
def test_only_added_voices_can_be_removed(client: FlaskClient, name: str) -> None:
    problem = refused(client.delete(f"/v1/voices/{name}"), 409, "voice_not_removable")
    assert "was not added: a manifest describes it" in problem["detail"]
    assert client.get(f"/v1/voices/{name}").status_code == 200


@pytest.mark.parametrize("name", ["nobody", "%2e%2e", "x" * 5000, "%00"])
def test_what_is_not_there_cannot_be_removed(client: FlaskClient, name: str) -> None:
    refused(client.delete(f"/v1/voices/{name}"), 404, "unknown_voice")


def test_a_removal_that_broke_off_can_be_repeated(client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    add(client)
    with monkeypatch.context() as patch:
        patch.setattr(service.store.voices, "remove", lambda *_: (_ for _ in ()).throw(StoreUnavailable("Redis does not answer")))
        refused(client.delete("/v1/voices/anna"), 503, "store_unavailable")
    assert client.delete("/v1/voices/anna").status_code == 204
    assert prompts(service) == []
    assert service.store.voices.all() == {}


def test_a_damaged_record_can_be_removed(client: FlaskClient, service: Service) -> None:
    service.store.database.client.hset(service.store.database.keys.voices(), "broken", "5 {}")
    refused(client.get("/v1/voices/broken"), 500, "broken_manifest")
    refused(add(client, name="broken"), 409, "voice_exists")
    assert client.delete("/v1/voices/broken").status_code == 204
    assert add(client, name="broken").status_code == 201


def test_a_recording_that_is_needed_again_while_it_is_removed_is_put_back(
    client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody adds a voice of the same recording after it was found to be needed by nobody."""
    add(client)
    erase = Recordings.erase

    def erase_late(recordings: Recordings, file: BundleFile) -> bytes | None:
        berta = dataclasses.replace(service.voices.get("anna"), name="berta")
        assert service.store.voices.add("berta", write_record(berta)).created
        return erase(recordings, file)

    monkeypatch.setattr(Recordings, "erase", erase_late)
    assert client.delete("/v1/voices/anna").status_code == 204
    (path,) = prompts(service)
    assert service.artifacts.read(path) == ANNA
    assert client.get("/v1/voices/berta").status_code == 200


def test_additions_and_removals_that_cross_leave_every_voice_its_recording(app: Flask, service: Service) -> None:
    """Two voices of one recording: one comes and goes while the other is added."""
    add(app.test_client(), name="berta")
    done = threading.Event()

    def come_and_go() -> None:
        client = app.test_client()
        while not done.is_set():
            client.delete("/v1/voices/berta")
            add(client, name="berta")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(15):
            client = app.test_client()
            assert add(client).status_code == 201
            (path,) = [path for path in prompts(service) if path.startswith("voices/prompts/")] or [""]
            assert client.delete("/v1/voices/anna").status_code == 204
            assert path
    finally:
        done.set()
        thread.join(30)
    assert len(prompts(service)) == 1
    assert app.test_client().delete("/v1/voices/berta").status_code == 204
    assert prompts(service) == []


# --- the promise --------------------------------------------------------------------------------------------------------


def test_the_document_tells_all_of_it(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    calls = document["paths"]["/v1/voices"] | document["paths"]["/v1/voices/{name}"]
    assert set(document["paths"]["/v1/voices"]) == {"get", "post"}
    assert set(document["paths"]["/v1/voices/{name}"]) == {"get", "delete"}
    access = {"401", "403", "413", "415", "421", "429"}
    assert set(calls["post"]["responses"]) == {"200", "201", "400", "409", "413", "415", "422", "500", "503", "507"} | access
    assert set(calls["delete"]["responses"]) == {"204", "404", "409", "500", "503"} | access
    form = document["components"]["schemas"]["VoiceForm"]
    assert set(form["required"]) == {"file", "name", "language", "licence", "consent"}
    assert form["properties"]["engine"]["default"] == "viettts"
    assert form["properties"]["file"]["description"].startswith(f"{SHORTEST:g} to {LONGEST:g} s")
    jsonschema.validate(form["examples"][0], form)
    schema = calls["post"]["responses"]["201"]["content"]["application/json"]["schema"] | {"components": document["components"]}
    jsonschema.validate(add(client).json, schema)
    jsonschema.validate(client.get("/v1/voices/joe").json, schema)


# --- a real server ------------------------------------------------------------------------------------------------------


def form_body(**fields: str) -> bytes:
    head = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    return head.encode() + b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + ANNA + b"\r\n--x--\r\n"


def test_a_real_server_adds_speaks_and_removes(served: Served) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = form_body(name="anna", language="vi-VN", licence="CC BY 4.0", consent=CONSENT, engine="sine")
    added = served.call("POST", "/v1/voices", body, headers)
    assert added.status == 201, added.content
    assert served.call("POST", "/v1/jobs", {"input": "Hello.", "voice": "anna"}).status == 202
    assert served.call("DELETE", "/v1/voices/anna").status == 204
    assert served.call("POST", "/v1/jobs", {"input": "Hello.", "voice": "anna"}).status == 404
    assert json.loads(served.call("DELETE", "/v1/voices/joe").content)["code"] == "voice_not_removable"
