"""Pulling a voice from a real HTTP server on this machine: resumed, checked, recorded, and never seen half installed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import random
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.bundles import BundleFile
from loa.download import CHUNK
from loa.errors import ChecksumMismatch, DownloadFailed, NotPullable, StorageFull, VoiceNotInstalled
from loa.pull import Progress, pull
from loa.settings import Settings
from loa.voices import Voice, VoiceRegistry
from tests.unit.file_server import FileServer, file_server
from tests.waiting import wait_until

MODEL = random.Random(1).randbytes(10 * CHUNK + 123)
CONFIG = b'{"audio": {"sample_rate": 22050}}'


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        server.files |= {"/test.onnx": MODEL, "/test.onnx.json": CONFIG}
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({}, data_dir=str(tmp_path / "data"), voices=str(tmp_path / "manifests"))


@pytest.fixture
def voice(server: FileServer, settings: Settings) -> Voice:
    """A voice that the server has, read from a manifest as every voice is."""
    files = "".join(
        f'[[files]]\nrole = "{role}"\nname = "{name}"\nurl = "{server.url}/{name}"\nsize = {len(content)}\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        for role, name, content in (("model", "test.onnx", MODEL), ("config", "test.onnx.json", CONFIG))
    )
    folder = Path(settings.voices)
    folder.mkdir()
    about = (
        'title = "Test"\nengine = "vits"\nlanguage = "vi-VN"\nlicence = "CC BY 4.0"\ncommercial_use = true\nnotice = "Name the corpus."\n'
    )
    (folder / "test.toml").write_text(about + 'source = "https://example.org/test"\n' + files)
    return VoiceRegistry(settings).get("test")


def unchecked(voice: Voice) -> Voice:
    """The same voice, of whose files nothing is known but where they are."""
    return dataclasses.replace(voice, files=tuple(BundleFile(role=file.role, name=file.name, url=file.url) for file in voice.files))


def test_a_pulled_voice_can_be_spoken_with(voice: Voice, settings: Settings) -> None:
    registry = VoiceRegistry(settings)
    with pytest.raises(VoiceNotInstalled):
        registry.speakable("test")
    folder = pull(voice, settings)
    assert registry.files(registry.speakable("test")) == {"model": folder / "test.onnx", "config": folder / "test.onnx.json"}
    assert (folder / "test.onnx").read_bytes() == MODEL
    assert sorted(path.name for path in folder.iterdir()) == ["pulled.json", "test.onnx", "test.onnx.json"]


def test_source_licence_and_checksums_are_recorded(voice: Voice, settings: Settings) -> None:
    record = json.loads((pull(unchecked(voice), settings) / "pulled.json").read_text())
    assert (record["voice"], record["licence"], record["commercial_use"]) == ("test", "CC BY 4.0", True)
    assert record["source"] == "https://example.org/test"
    assert record["pulled_at"].endswith("+00:00")
    assert [file["sha256"] for file in record["files"]] == [hashlib.sha256(content).hexdigest() for content in (MODEL, CONFIG)]


def test_progress_goes_from_nothing_to_everything(voice: Voice, settings: Settings) -> None:
    seen: list[Progress] = []
    pull(voice, settings, progress=seen.append)
    model = [step for step in seen if step.file == "test.onnx"]
    assert (model[0].done, model[-1].done) == (0, len(MODEL))
    assert {step.total for step in model} == {len(MODEL)}
    assert [step.done for step in model] == sorted(step.done for step in model)
    assert len(model) > 5


def test_a_voice_that_is_there_is_left_alone_unless_forced(voice: Voice, settings: Settings, server: FileServer) -> None:
    folder = pull(voice, settings)
    before = len(server.requests)
    assert pull(voice, settings) == folder
    assert len(server.requests) == before
    (folder / "test.onnx").write_bytes(b"damaged" + MODEL[7:])
    pull(voice, settings, force=True)
    assert (folder / "test.onnx").read_bytes() == MODEL


def test_a_truncated_voice_is_pulled_again(voice: Voice, settings: Settings) -> None:
    folder = pull(voice, settings)
    (folder / "test.onnx").write_bytes(MODEL[:1000])
    pull(voice, settings)
    assert (folder / "test.onnx").read_bytes() == MODEL


def test_a_new_manifest_is_pulled_over_the_old_voice(voice: Voice, settings: Settings, server: FileServer) -> None:
    folder = pull(voice, settings)
    config = CONFIG.replace(b"22050", b"16000")
    server.files["/test.onnx.json"] = config
    newer = dataclasses.replace(voice.files[1], sha256=hashlib.sha256(config).hexdigest())
    pull(dataclasses.replace(voice, files=(voice.files[0], newer)), settings)
    assert (folder / "test.onnx.json").read_bytes() == config


# --- connections that break --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [True, False])
def test_a_cut_connection_is_resumed_at_once(voice: Voice, settings: Settings, server: FileServer, lengths: bool) -> None:
    server.lengths = lengths  # without Content-Length only the manifest tells that something is missing
    server.cuts = [4 * CHUNK, 3 * CHUNK]
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL
    ranges = [asked for path, asked, _ in server.requests if path == "/test.onnx"]
    assert ranges == [None, f"bytes={4 * CHUNK}-", f"bytes={7 * CHUNK}-"]
    assert server.sent == len(MODEL) + len(CONFIG)  # nothing came twice


def test_after_too_many_cuts_the_next_run_goes_on(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.cuts = [CHUNK] * 5
    with pytest.raises(DownloadFailed) as caught:
        pull(voice, settings)
    assert caught.value.details["received"] == 5 * CHUNK
    assert "run the command again" in caught.value.remedy()
    with pytest.raises(VoiceNotInstalled):
        VoiceRegistry(settings).speakable("test")
    server.requests.clear()
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL
    path, asked, condition = server.requests[0]
    assert (path, asked) == ("/test.onnx", f"bytes={5 * CHUNK}-")
    assert condition is not None
    assert server.sent == len(MODEL) + len(CONFIG)


def test_a_whole_file_is_not_fetched_again_when_the_next_one_fails(voice: Voice, settings: Settings, server: FileServer) -> None:
    del server.files["/test.onnx.json"]
    with pytest.raises(DownloadFailed, match="404"):
        pull(voice, settings)
    server.files["/test.onnx.json"] = CONFIG
    server.requests.clear()
    pull(voice, settings)
    assert [path for path, _, _ in server.requests] == ["/test.onnx.json"]


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    voice: Voice, settings: Settings, server: FileServer, known: bool
) -> None:
    old = bytes(len(MODEL))
    server.files["/test.onnx"] = old
    server.cuts = [CHUNK] * 5
    voice = voice if known else unchecked(voice)
    with pytest.raises(DownloadFailed):
        pull(voice, settings)
    server.files["/test.onnx"] = MODEL
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL


def test_without_etags_a_wrongly_joined_file_is_noticed_and_fetched_once_more(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.etags = False
    server.files["/test.onnx"] = bytes(len(MODEL))
    server.cuts = [CHUNK] * 5
    with pytest.raises(DownloadFailed):
        pull(voice, settings)
    server.files["/test.onnx"] = MODEL
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL


def test_without_etag_and_checksum_nothing_is_joined(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.etags = False
    server.cuts = [CHUNK] * 5
    with pytest.raises(DownloadFailed):
        pull(unchecked(voice), settings)
    assert {asked for _, asked, _ in server.requests} == {None}


def test_a_server_without_ranges_sends_it_all_again(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.ranges = False
    server.cuts = [3 * CHUNK]
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL


def test_a_file_that_became_shorter_than_what_is_here(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.etags = False
    server.files["/test.onnx"] = MODEL + bytes(CHUNK)
    server.cuts = [len(MODEL) + CHUNK - 1] + [0] * 4
    checked = dataclasses.replace(voice.files[0], size=0)
    with pytest.raises(DownloadFailed):
        pull(dataclasses.replace(voice, files=(checked,)), settings)
    server.files["/test.onnx"] = MODEL
    assert (pull(dataclasses.replace(voice, files=(checked,)), settings) / "test.onnx").read_bytes() == MODEL


def test_a_server_in_trouble_is_asked_again(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.statuses = [503, 500]
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL
    server.statuses = [503] * 5
    with pytest.raises(DownloadFailed, match="503"):
        pull(voice, settings, force=True)


def test_no_server_at_all(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadFailed, match="could not be fetched"):
        pull(voice, settings)


# --- files that are not what they should be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MODEL[:-1] + bytes([MODEL[-1] ^ 1]), "has the sha256"),
        (MODEL[:-1], "has 655,482 bytes"),
        (MODEL + b"!", "has 655,484 bytes"),
        (b"", "has the sha256|bytes"),
    ],
)
def test_a_wrong_file_is_refused_and_thrown_away(
    voice: Voice, settings: Settings, server: FileServer, content: bytes, message: str
) -> None:
    server.files["/test.onnx"] = content
    with pytest.raises((ChecksumMismatch, DownloadFailed), match=message):
        pull(voice, settings)
    assert not VoiceRegistry(settings).installed(voice)
    server.files["/test.onnx"] = MODEL
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL


def test_a_server_that_sends_without_end_is_stopped(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.lengths = False
    server.files["/test.onnx"] = MODEL * 20
    with pytest.raises(ChecksumMismatch, match="more than the expected"):
        pull(voice, settings)
    assert not list((Path(settings.data_dir) / "voices" / ".pulling" / "test").iterdir())


def test_a_failed_pull_leaves_the_installed_voice_alone(voice: Voice, settings: Settings, server: FileServer) -> None:
    folder = pull(voice, settings)
    server.files["/test.onnx"] = bytes(len(MODEL))
    with pytest.raises(ChecksumMismatch):
        pull(voice, settings, force=True)
    assert (folder / "test.onnx").read_bytes() == MODEL


def test_redirects_are_followed_but_never_to_an_unprotected_host(voice: Voice, settings: Settings, server: FileServer) -> None:
    server.redirects["/test.onnx"] = "/elsewhere/blob"
    server.files["/elsewhere/blob"] = MODEL
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL
    for location in ("http://example.org/test.onnx", "file:///etc/passwd"):
        server.redirects["/test.onnx"] = location
        with pytest.raises(DownloadFailed, match="refused: only https"):
            pull(voice, settings, force=True)
    server.redirects["/test.onnx"] = "/test.onnx"
    with pytest.raises(DownloadFailed, match="more than 5 redirects"):
        pull(voice, settings, force=True)


def test_a_voice_without_addresses_says_where_to_look(voice: Voice, settings: Settings) -> None:
    files = tuple(dataclasses.replace(file, url="") for file in voice.files)
    with pytest.raises(NotPullable, match=r"for test\.onnx, test\.onnx\.json; see https://example\.org/test"):
        pull(dataclasses.replace(voice, files=files), settings)


# --- the disk ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_said_so_and_the_next_run_goes_on(voice: Voice, settings: Settings, server: FileServer) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * CHUNK, hard))
    try:
        with pytest.raises(StorageFull, match="is full"):
            pull(voice, settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not VoiceRegistry(settings).installed(voice)
    server.requests.clear()
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL
    assert server.requests[0][1] == f"bytes={3 * CHUNK}-"


def test_a_disk_that_is_too_small_is_said_so_before_anything_is_fetched(voice: Voice, settings: Settings, server: FileServer) -> None:
    huge = dataclasses.replace(voice.files[0], size=10**18)
    with pytest.raises(StorageFull, match="needs 1,000,000,0"):
        pull(dataclasses.replace(voice, files=(huge,)), settings)
    assert server.requests == []


def test_of_two_pulls_at_once_one_fetches_and_both_end_well(voice: Voice, settings: Settings, server: FileServer) -> None:
    processes = multiprocessing.get_context("spawn")
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go_on.wait(30)

    server.before_the_end = hold  # type: ignore[method-assign]
    children = [processes.Process(target=pull, args=(dataclasses.replace(voice, options={}), settings)) for _ in range(2)]
    for child in children:
        child.start()
    assert held.wait(30)
    assert not VoiceRegistry(settings).installed(voice)  # one is fetching, the other waits
    go_on.set()
    for child in children:
        child.join(30)
    assert [child.exitcode for child in children] == [0, 0]
    assert [path for path, _, _ in server.requests] == ["/test.onnx", "/test.onnx.json"]
    assert VoiceRegistry(settings).installed(voice)


def test_a_killed_pull_leaves_no_lock_and_is_resumed(voice: Voice, settings: Settings, server: FileServer) -> None:
    let_go = threading.Event()
    server.before_the_end = lambda: let_go.wait(30)  # type: ignore[method-assign]
    server.cuts = [5 * CHUNK]
    child = multiprocessing.get_context("spawn").Process(target=pull, args=(voice, settings))
    child.start()
    part = Path(settings.data_dir) / "voices" / ".pulling" / "test" / "test.onnx.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 5 * CHUNK)
    child.kill()
    child.join(30)
    let_go.set()
    server.requests.clear()
    assert (pull(voice, settings) / "test.onnx").read_bytes() == MODEL
    assert server.requests[0][1] == f"bytes={5 * CHUNK}-"
