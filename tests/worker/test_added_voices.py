"""Workers speak with voices that users added: whenever they were added, wherever they are made, and never after they were removed."""

from __future__ import annotations

import os
import signal

from loa.recordings import STATES
from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import Fleet, WorkerProcess

RECORDING = b"a recording of somebody"


def spoken(fleet: Fleet, voice: str, text: str) -> float:
    """Seconds of set-up that speaking took."""
    job = fleet.ended(fleet.submit(text, voice=voice))
    assert job.state is State.SUCCEEDED, job.error
    return job.setup_seconds


def remove(fleet: Fleet, name: str) -> None:
    """As the API does."""
    kept = fleet.store.voices.find(name)
    assert kept is not None
    voice = fleet.voices.get(name)
    fleet.recordings.erase(voice.files[0])
    fleet.recordings.erase_states(voice.engine, fleet.voices.fingerprint(voice))
    assert fleet.store.voices.remove(name, kept)


def freeze(worker: WorkerProcess, number: int) -> None:
    for slot in worker.slots:
        os.kill(slot.pid, number)


def test_a_voice_that_is_added_while_a_worker_runs_is_spoken_with_at_once(fleet: Fleet) -> None:
    worker = fleet.worker("speak")
    worker.hot()
    fleet.add_voice("anna", RECORDING)
    assert spoken(fleet, "anna", "The first sentence.") > 0
    assert spoken(fleet, "anna", "The second sentence.") == 0
    assert "voice anna loaded in" in worker.log
    assert not list(fleet.artifacts.walk(STATES))  # this engine's voices cost nothing


def test_a_second_worker_starts_hot_without_making_a_voice(fleet: Fleet) -> None:
    """It could not: making one fails there."""
    fleet.add_voice("anna", RECORDING)
    first = fleet.worker("speak", LOA_SINE_KEEPS_VOICES="1", LOA_PRELOAD="anna")
    assert first.hot()[0].voices == ("sine", "anna")
    assert "voice anna loaded in" in first.log
    assert first.end() == 0
    (kept,) = [stored.path for stored in fleet.artifacts.walk(STATES) if fleet.voices.fingerprint(fleet.voices.get("anna")) in stored.path]
    assert kept.startswith("voices/states/sine/1/")

    fleet.recordings.erase(fleet.voices.get("anna").files[0])  # nor does it need the recording
    second = fleet.worker("speak", LOA_SINE_KEEPS_VOICES="1", LOA_SINE_VOICE_FAULT="raise", LOA_PRELOAD="anna")
    assert second.hot()[0].voices == ("sine", "anna")
    assert "voice anna taken from the artifact store in" in second.log
    assert spoken(fleet, "anna", "Good morning.") == 0


def test_a_damaged_kept_voice_is_made_anew(fleet: Fleet) -> None:
    fleet.add_voice("anna", RECORDING)
    path = f"{STATES}/sine/1/{fleet.voices.fingerprint(fleet.voices.get('anna'))}.safetensors"
    fleet.artifacts.write(path, b"damaged")
    worker = fleet.worker("speak", LOA_SINE_KEEPS_VOICES="1", LOA_PRELOAD="anna")
    worker.hot()
    assert f"{path} is damaged and removed" in worker.log
    assert len(fleet.artifacts.read(path)) > 100


def test_a_job_that_waits_for_a_removed_voice_fails_and_says_so(fleet: Fleet) -> None:
    fleet.add_voice("anna", RECORDING)
    short, long = fleet.submit("Too late.", voice="anna"), fleet.submit("A longer text. " * 60, voice="anna")
    remove(fleet, "anna")
    fleet.worker("speak,plan").hot()
    for job in fleet.all_ended([short, long]):
        assert (job.state, job.error["code"]) == (State.FAILED, "voice_changed")
        assert "voice 'anna' was removed after this job was submitted" in job.error["message"]


def test_a_voice_that_was_replaced_is_not_taken_for_the_old_one(fleet: Fleet) -> None:
    fleet.add_voice("anna", RECORDING)
    old = fleet.submit("For the old Anna.", voice="anna")
    remove(fleet, "anna")
    fleet.add_voice("anna", b"another recording")
    fleet.worker("speak").hot()
    job = fleet.ended(old)
    assert (job.state, job.error["code"]) == (State.FAILED, "voice_changed")
    assert "was replaced" in job.error["message"]


def test_a_worker_that_has_the_voice_in_memory_finishes_what_was_accepted(fleet: Fleet) -> None:
    worker = fleet.worker("speak")
    worker.hot()
    fleet.add_voice("anna", RECORDING)
    spoken(fleet, "anna", "Now it is in memory.")
    freeze(worker, signal.SIGSTOP)
    accepted = fleet.submit("Accepted before the removal.", voice="anna")
    remove(fleet, "anna")
    freeze(worker, signal.SIGCONT)
    assert fleet.ended(accepted).state is State.SUCCEEDED


def test_a_machine_forgets_the_recording_of_a_removed_voice(fleet: Fleet) -> None:
    fleet.add_voice("anna", RECORDING)
    fleet.worker("speak").hot()
    spoken(fleet, "anna", "A sentence.")
    copies = fleet.recordings.path(fleet.voices.get("anna"), fleet.voices.get("anna").files[0]).parent
    (copy,) = copies.iterdir()
    os.utime(copy, (0, 0))
    remove(fleet, "anna")
    fleet.add_voice("berta", b"another recording")
    fleet.submit("A reason to look.", voice="berta")
    wait_until(lambda: copy not in list(copies.iterdir()))
