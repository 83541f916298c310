"""Voices that users added: kept by the store, seen by every process, and their recordings on every machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import threading
from pathlib import Path

import pytest

from loa.added_voices import PERIOD, AddedVoices
from loa.api_keys import DEFAULT_OWNER
from loa.artifacts import Artifacts
from loa.broker import Broker
from loa.bundles import BundleFile
from loa.errors import ArtifactMissing, BrokenManifest, BrokenVoice, StoreUnavailable, UnknownVoice, VoiceChanged
from loa.recordings import LEFT_ALONE, Recordings, prompt_path
from loa.settings import Settings
from loa.store import Store, Voices
from loa.voice_manifest import Addition, Voice
from loa.voice_record import read_record, write_record
from loa.voices import VoiceRegistry
from tests.conftest import VOICES
from tests.redis.ledger import Bench
from tests.waiting import wait_until

RECORDING = b"the sound of Anna's voice"
SHA256 = hashlib.sha256(RECORDING).hexdigest()


def anna(**changes: object) -> Voice:
    facts: dict[str, object] = {
        "name": "anna",
        "title": "Anna",
        "engine": "sine",
        "language": "vi-VN",
        "licence": "CC BY 4.0",
        "commercial_use": None,
        "files": (BundleFile(role="prompt", name="anna.wav", size=len(RECORDING), sha256=SHA256),),
        "addition": Addition(consent="I am the speaker.", created=0.0),
    }
    return Voice(**(facts | changes))  # type: ignore[arg-type]


class Clock:
    """A clock that the test winds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Process:
    """What one process of the service has: a view of the added voices, and a registry over it."""

    def __init__(self, store: Store, folder: Path, machine: str = "here") -> None:
        self.clock, self.looks = Clock(), 0
        self.artifacts = Artifacts(str(folder / "artifacts"))
        self.data_dir = folder / machine
        self.recordings = Recordings(self.artifacts, self.data_dir)
        self._store = store
        self.away = False
        self.added = AddedVoices(self.voices, self.recordings, clock=self.clock)
        self.registry = VoiceRegistry(Settings.load({}, data_dir=str(self.data_dir), voices=str(VOICES)), self.added)

    def voices(self) -> Voices:
        self.looks += 1
        if self.away:
            raise StoreUnavailable("Redis does not answer: asked for by the test")
        return self._store.voices

    def add(self, voice: Voice, content: bytes = RECORDING) -> None:
        self.recordings.keep(voice.files[0], content)
        assert self._store.voices.add(voice.name, write_record(voice)).created

    def remove(self, name: str) -> None:
        kept = self._store.voices.find(name)
        assert kept is not None
        assert self._store.voices.remove(name, kept)


@pytest.fixture
def here(bench: Bench, tmp_path: Path) -> Process:
    return Process(bench.store, tmp_path)


@pytest.fixture
def there(bench: Bench, tmp_path: Path) -> Process:
    """Another process on another machine."""
    return Process(bench.store, tmp_path, "there")


# --- the store -------------------------------------------------------------------------------------------------------


def test_a_record_comes_back_as_the_voice_that_it_was(bench: Bench) -> None:
    voice = anna(commercial_use=False, notice="Say whose voice it is.", options={"pace": 2}, sample_rate=22050)
    kept = bench.store.voices.add("anna", write_record(voice)).kept
    found = read_record("anna", kept)
    seconds, micros = bench.store.database.client.time()
    assert found.addition is not None
    assert 0 <= seconds + micros / 1e6 - found.addition.created < 60
    assert found == dataclasses.replace(voice, addition=found.addition)
    assert found.addition.consent == "I am the speaker."
    assert bench.store.voices.find("anna") == kept
    assert bench.store.voices.all() == {(DEFAULT_OWNER, "anna"): kept}


def test_a_name_is_given_once(bench: Bench) -> None:
    first = bench.store.voices.add("anna", write_record(anna()))
    second = bench.store.voices.add("anna", write_record(anna(title="Another Anna")))
    assert (first.created, second.created) == (True, False)
    assert second.kept == first.kept


def test_of_many_additions_at_once_one_wins(bench: Bench) -> None:
    ready = threading.Barrier(8)
    answers = []

    def add(number: int) -> None:
        ready.wait(10)
        answers.append(bench.store.voices.add("anna", write_record(anna(title=f"Anna {number}"))))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(answer.created for answer in answers) == 1
    assert {answer.kept for answer in answers} == {bench.store.voices.find("anna")}


def test_a_voice_is_removed_only_while_it_is_the_one_that_is_meant(bench: Bench) -> None:
    kept = bench.store.voices.add("anna", write_record(anna())).kept
    assert not bench.store.voices.remove("anna", kept + " ")
    assert not bench.store.voices.remove("berta", kept)
    assert bench.store.voices.find("anna") == kept
    assert bench.store.voices.remove("anna", kept)
    assert not bench.store.voices.remove("anna", kept)
    assert bench.store.voices.find("anna") is None
    assert bench.store.voices.all() == {}


def test_a_voice_of_a_manifest_has_no_record() -> None:
    with pytest.raises(ValueError, match="was not added"):
        write_record(anna(addition=None))


@pytest.mark.parametrize(
    ("kept", "defect"),
    [
        ("", "cannot be read"),
        ("soon {}", "cannot be read"),
        ("5 {", "cannot be read"),
        ("5 []", "cannot be read"),
        ("5 {}", "KeyError: 'consent'"),
        ('5 {"consent": ""}', "consent takes text"),
        ('5 {"consent": "yes", "title": "x"}', "licence is missing|is missing"),
        ("5 " + json.dumps({**json.loads(write_record(anna())), "hat": "red"}), "hat is not a field"),
    ],
)
def test_a_damaged_record_says_what_is_wrong_with_it(kept: str, defect: str) -> None:
    with pytest.raises(BrokenManifest, match=defect):
        read_record("anna", kept)


# --- the view of one process ------------------------------------------------------------------------------------------


def test_an_added_voice_is_seen_by_another_process_at_once(here: Process, there: Process) -> None:
    with pytest.raises(UnknownVoice):
        there.registry.get("anna")
    here.add(anna())
    voice = there.registry.speakable("anna")
    assert (voice.title, voice.engine) == ("Anna", "sine")
    assert there.registry.fingerprint(voice) == here.registry.fingerprint(here.registry.get("anna"))
    assert "anna" not in there.registry.all()  # a list may be a second old
    there.clock.now += PERIOD
    assert list(there.registry.all()) == sorted(there.registry.all())
    assert there.registry.all()["anna"] == voice


def test_lookups_of_a_known_voice_ask_the_store_once_a_second_at_most(here: Process) -> None:
    here.add(anna())
    here.registry.get("anna")
    looks = here.looks
    for _ in range(100):
        here.registry.fingerprint(here.registry.speakable("anna"))
        here.registry.speakable("sine")
        here.registry.all()
    assert here.looks == looks
    here.clock.now += PERIOD
    for _ in range(100):
        here.registry.speakable("anna")
    assert here.looks == looks + 1


def test_with_a_thread_no_lookup_asks_the_store(here: Process, bench: Bench) -> None:
    here.added.start(bench.store.voices)
    try:
        here.add(anna())
        wait_until(lambda: "anna" in here.added.all())
        looks = here.looks
        here.clock.now += 100 * PERIOD
        here.registry.speakable("anna")
        assert here.looks == looks
        here.remove("anna")
        wait_until(lambda: "anna" not in here.added.all())
    finally:
        here.added.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "added voices"]


def test_a_removed_voice_is_unknown_within_a_second(here: Process, there: Process) -> None:
    here.add(anna())
    there.clock.now += PERIOD
    there.registry.get("anna")
    here.remove("anna")
    there.clock.now += PERIOD
    with pytest.raises(UnknownVoice):
        there.registry.get("anna")


def test_a_job_gets_the_voice_that_it_was_accepted_with_or_none(here: Process) -> None:
    here.add(anna())
    fingerprint = here.registry.fingerprint(anna())
    assert here.registry.pinned("anna", fingerprint).title == "Anna"
    with pytest.raises(VoiceChanged, match="was replaced after this job was submitted"):
        here.registry.pinned("anna", "0" * 64)
    here.remove("anna")
    here.clock.now += PERIOD
    with pytest.raises(VoiceChanged, match="was removed after this job was submitted"):
        here.registry.pinned("anna", fingerprint)


def test_whether_a_voice_is_gone_is_known_at_once(here: Process) -> None:
    here.add(anna())
    voice = here.registry.get("anna")
    assert not here.registry.removed(voice)
    assert not here.registry.removed(here.registry.get("joe"))
    here.remove("anna")
    assert here.registry.removed(voice)
    here.add(anna(title="Another Anna"))
    assert here.registry.removed(voice)


def test_while_redis_is_away_the_last_snapshot_goes_on(here: Process, caplog: pytest.LogCaptureFixture) -> None:
    here.add(anna())
    assert "anna" in here.registry.all()
    here.away = True
    for _ in range(3):
        here.clock.now += PERIOD
        assert here.registry.speakable("anna").title == "Anna"
        assert here.registry.speakable("sine").name == "sine"
    assert caplog.text.count("added voices are as they were") == 1
    with pytest.raises(StoreUnavailable):  # it may have been added a moment ago, so nobody can say that it is unknown
        here.registry.get("berta")


def test_what_can_be_no_voices_name_is_unknown_without_asking(here: Process) -> None:
    here.registry.all()
    looks = here.looks
    for name in ("", "..", "a/b", "x" * 65, "x" * 5000, "\0", "Änna"):
        with pytest.raises(UnknownVoice):
            here.registry.get(name)
    assert here.looks == looks


def test_close_names_are_those_of_added_voices_too(here: Process) -> None:
    here.add(anna())
    with pytest.raises(UnknownVoice) as caught:
        here.registry.get("Ana")
    assert caught.value.details["close"] == ["anna"]


def test_a_damaged_record_hides_no_other_voice(here: Process, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    here.add(anna())
    bench.store.database.client.hset(bench.store.database.keys.voices(), "broken", "5 {}")
    assert "anna" in here.registry.all()
    assert "added voice skipped: the record of the added voice 'broken'" in caplog.text
    with pytest.raises(BrokenManifest):
        here.registry.get("broken")


def test_an_added_voice_is_shown_like_every_other(here: Process) -> None:
    here.add(anna())
    shown = here.registry.describe(here.registry.get("anna"))
    assert (shown["added"], shown["installed"], shown["common"]) == (True, True, False)
    assert (shown["consent"], shown["licence"], shown["commercial_use"]) == ("I am the speaker.", "CC BY 4.0", None)
    assert shown["created_at"].endswith("Z")
    assert shown["bytes"] == len(RECORDING)
    joe = here.registry.describe(here.registry.get("joe"))
    assert set(joe) == set(shown)
    assert (joe["added"], joe["consent"], joe["created_at"]) == (False, None, None)


def test_an_added_voice_wins_over_a_manifest_that_this_machine_alone_has(here: Process) -> None:
    here.add(anna())
    (here.data_dir / "voices").mkdir(parents=True)
    (here.data_dir / "voices" / "anna.toml").write_text(
        'title = "Local"\nengine = "sine"\nlanguage = "en-US"\nlicence = "CC0"\ncommercial_use = true\n'
    )
    assert here.registry.get("anna").title == "Anna"


def test_the_fingerprint_follows_the_recording_and_the_options(here: Process) -> None:
    other = dataclasses.replace(anna().files[0], sha256="0" * 64)
    voices = [anna(), anna(files=(other,)), anna(options={"pace": 2})]
    assert len({here.registry.fingerprint(voice) for voice in voices}) == 3
    assert here.registry.fingerprint(anna(name="berta", title="Berta")) == here.registry.fingerprint(anna())


# --- recordings -------------------------------------------------------------------------------------------------------


def test_a_recording_is_fetched_to_the_machine_that_needs_it(here: Process, there: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    here.add(anna())
    files = there.registry.files(there.registry.get("anna"))
    assert set(files) == {"prompt"}
    copy = files["prompt"]
    assert copy.read_bytes() == RECORDING
    assert copy.is_relative_to(there.data_dir / "voices")
    assert [path.name for path in copy.parent.iterdir()] == [f"{SHA256}.wav"]
    monkeypatch.setattr(there.artifacts, "read", None)  # a second use needs no store
    assert there.registry.files(there.registry.get("anna"))["prompt"].read_bytes() == RECORDING


def test_a_damaged_copy_is_fetched_again(here: Process) -> None:
    here.add(anna())
    copy = here.registry.files(here.registry.get("anna"))["prompt"]
    copy.write_bytes(RECORDING[:-1] + b"!")
    assert here.registry.files(here.registry.get("anna"))["prompt"].read_bytes() == RECORDING


def test_a_recording_that_is_damaged_in_the_store_is_refused(here: Process) -> None:
    here.add(anna(), content=RECORDING[:-1] + b"!")
    with pytest.raises(BrokenVoice, match="recording of voice 'anna' is damaged"):
        here.registry.files(here.registry.get("anna"))
    assert list((here.data_dir / "voices" / ".added").glob("*")) == []


def test_a_recording_that_is_gone_tells_whether_the_voice_is_as_well(here: Process) -> None:
    here.add(anna())
    voice = here.registry.get("anna")
    here.artifacts.delete(prompt_path(voice.files[0]))
    with pytest.raises(ArtifactMissing):
        here.registry.files(voice)
    here.remove("anna")
    with pytest.raises(VoiceChanged, match="'anna' was removed"):
        here.registry.files(voice)


def test_copies_that_no_voice_needs_are_removed(here: Process) -> None:
    here.add(anna())
    berta = anna(name="berta", files=(BundleFile(role="prompt", name="berta.mp3", size=5, sha256=hashlib.sha256(b"berta").hexdigest()),))
    here.add(berta, b"berta")
    copies = {name: here.registry.files(here.registry.get(name))["prompt"] for name in ("anna", "berta")}
    for copy in copies.values():
        os.utime(copy, (0, 0))
    here.remove("anna")
    here.clock.now += PERIOD
    here.registry.all()
    assert [name for name, copy in copies.items() if copy.exists()] == ["berta"]


def test_a_copy_that_was_made_just_now_is_left_alone(here: Process) -> None:
    """It may be of a voice that was added after this process looked."""
    here.add(anna())
    copy = here.registry.files(here.registry.get("anna"))["prompt"]
    here.recordings.tidy([])
    assert copy.exists()
    old = copy.stat().st_mtime - LEFT_ALONE - 1
    os.utime(copy, (old, old))
    here.recordings.tidy([])
    assert not copy.exists()


def test_a_copy_that_was_too_young_goes_later(here: Process, bench: Bench) -> None:
    here.add(anna())
    copy = here.registry.files(here.registry.get("anna"))["prompt"]
    here.remove("anna")
    here.added.start(bench.store.voices)
    try:
        wait_until(lambda: "anna" not in here.added.all())
        assert copy.exists()
        os.utime(copy, (0, 0))
        here.clock.now += LEFT_ALONE
        wait_until(lambda: not copy.exists())
    finally:
        here.added.stop()


def test_two_voices_may_be_of_one_recording(here: Process) -> None:
    here.add(anna())
    here.add(anna(name="berta"))
    assert here.registry.files(here.registry.get("anna")) == here.registry.files(here.registry.get("berta"))


def test_the_view_comes_back_with_redis(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A real server that dies and is started again."""
    caplog.set_level(logging.WARNING)
    with Broker(tmp_path / "redis") as broker:
        store = Store.for_thread(Settings.load({}, redis_url=broker.url))
        process = Process(store, tmp_path)
        process.add(anna())
        assert "anna" in process.registry.all()
        broker.stop()
        process.clock.now += PERIOD
        assert "anna" in process.registry.all()
        broker.start()
        process.remove("anna")
        process.clock.now += PERIOD
        assert "anna" not in process.registry.all()
