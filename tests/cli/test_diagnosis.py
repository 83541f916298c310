"""Commands about the service: workers, doctor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from click.testing import Result

from loa import engines
from loa.broker import Broker
from loa.cli import checks
from loa.engine_files import EngineFiles
from loa.errors import BrokerMissing
from loa.installed import PULL_RECORD
from loa.settings import Settings
from tests.cli.small_server import SmallServer, problem, refuse

Loa = Callable[..., Result]
SINE = Path(__file__).parents[1] / "voices"
WORKERS = {
    "workers": [
        {
            "id": "speak@here/0",
            "state": "hot",
            "queues": ["speak.vits"],
            "pid": 4711,
            "host": "here",
            "device": "cpu",
            "device_uuid": "cpu",
            "engines": ["vits"],
            "voices": ["joe"],
            "skipped": ["vi_VN-vais1000-medium"],
            "unserved": {"viettts": "llm.pt not found in /data/engines/viettts; loa engines pull viettts"},
            "steps": {"load": 1.5, "warm": 2.25},
            "message": "",
        },
        {
            "id": "speak@here/1",
            "state": "loading",
            "queues": [],
            "pid": 4712,
            "host": "here",
            "device": "cpu",
            "device_uuid": "cpu",
            "engines": [],
            "voices": [],
            "skipped": [],
            "unserved": {},
            "steps": {},
            "message": "loading vits",
        },
    ],
    "queues": {"speak.vits": {"ready_segments": 12, "ready_seconds": 41.25, "hot_slots": 1}},
}


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """A machine on which these are not installed."""
    for place in (checks, engines):
        monkeypatch.setattr(place, "importable", lambda module: module not in modules)


class TestWorkers:
    def test_tables(self, loa: Loa, server: SmallServer) -> None:
        server.workers = WORKERS
        done = loa("workers")
        rows = [line.split() for line in done.stdout.splitlines()]
        assert ["speak@here/0", "hot", "cpu", "speak.vits", "vits", "joe", "3.75", "s", "-"] in rows
        assert ["speak@here/1", "loading", "cpu", "-", "-", "-", "-", "loading", "vits"] in rows
        assert ["speak.vits", "12", "41.2", "1"] in rows
        assert "loa voices pull vi_VN-vais1000-medium" in done.stderr
        assert "engine not installed: viettts (llm.pt not found in /data/engines/viettts; loa engines pull viettts)" in done.stderr

    def test_json(self, loa: Loa, server: SmallServer) -> None:
        server.workers = WORKERS
        assert json.loads(loa("workers", "--json").stdout) == WORKERS

    def test_none(self, loa: Loa) -> None:
        done = loa("workers")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "no workers" in done.stderr


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({}, data_dir=str(tmp_path / "data"))


def only(findings: list[checks.Finding]) -> checks.Finding:
    (finding,) = findings
    return finding


class TestDoctor:
    def test_every_check_speaks_and_a_warning_is_no_failure(
        self, loa: Loa, server: SmallServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path))
        done = loa("doctor", "--json")
        findings = json.loads(done.stdout)
        assert {finding["subject"] for finding in findings} >= {
            *("Python", "torch", "torchaudio", "engine", "voices", "broker", "Redis", "LOA_DATA_DIR", "server")
        }
        assert [finding for finding in findings if finding["verdict"] == "fail"] == []
        assert done.exit_code == 0

    def test_torch_stays_out_of_this_process(self, tmp_path: Path) -> None:
        program = "import sys; from loa.cli.app import app; app(['doctor'], standalone_mode=False); print('torch' in sys.modules)"
        environment = os.environ | {"LOA_DATA_DIR": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
        assert done.stdout.splitlines()[-1] == "False"

    def test_lines_for_people_and_exit_code_1(self, loa: Loa, monkeypatch: pytest.MonkeyPatch) -> None:
        found = [
            checks.ok("Python", "3.11"),
            checks.warn("voice", "joe is not installed", "loa voices pull joe"),
            checks.fail("Redis", "away", "Start it."),
        ]
        monkeypatch.setattr(checks, "CHECKS", {"all": lambda _: found})
        done = loa("doctor")
        assert done.exit_code == 1
        assert done.stdout.splitlines() == [
            "ok    Python: 3.11",
            "warn  voice: joe is not installed",
            "      loa voices pull joe",
            "fail  Redis: away",
            "      Start it.",
        ]

    def test_python(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        assert only(checks.check_python(settings)).verdict == "ok"
        monkeypatch.setattr(sys, "version_info", (3, 14, 0))
        assert only(checks.check_python(settings)).verdict == "fail"

    def test_torch_is_looked_at_in_a_process_of_its_own(self, settings: Settings) -> None:
        torch, torchaudio = checks.check_torch(settings)
        assert torch.verdict == "ok"
        assert "build" in torch.fact
        assert torchaudio.verdict == "ok"
        assert "native library" in torchaudio.fact

    def test_a_torch_that_crashes_is_a_finding(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "LOOK_AT_TORCH", "import sys; sys.exit('libcudart.so.13: cannot open shared object file')")
        finding = only(checks.check_torch(settings))
        assert (finding.verdict, finding.fact) == ("fail", "cannot be imported: libcudart.so.13: cannot open shared object file")

    def test_a_torch_that_hangs_is_a_finding(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        def hang(*arguments: object, **options: object) -> None:
            raise subprocess.TimeoutExpired("python", 120)

        monkeypatch.setattr(subprocess, "run", hang)
        assert "more than 120 s" in only(checks.check_torch(settings)).fact

    @pytest.mark.parametrize(
        ("facts", "verdict", "part"),
        [
            ({"cuda": "13.0", "devices": ["NVIDIA H200"]}, "ok", "CUDA 13.0 build, devices: NVIDIA H200"),
            ({"cuda": None, "devices": []}, "ok", "CPU build, on the CPU with 2 threads"),
        ],
    )
    def test_devices(self, facts: dict, verdict: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", lambda _: None)
        finding = checks.judge_torch({"version": "2.13", "threads": 2} | facts)
        assert finding.verdict == verdict
        assert part in finding.fact

    def test_a_cpu_build_beside_an_nvidia_driver_is_worth_a_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/nvidia-smi")
        assert checks.judge_torch({"version": "2.13", "threads": 2, "cuda": None, "devices": []}).verdict == "warn"

    def test_without_torch_a_machine_can_still_submit(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        without(monkeypatch, "torch", "piper")
        assert only(checks.check_torch(settings)).verdict == "warn"
        vits = checks.check_engines(settings)[0]
        assert (vits.verdict, vits.fact) == ("warn", "vits is not installed (torch, piper missing)")
        assert vits.remedy == "To speak with it here: pip install 'loa[worker,vits]'"

    def test_an_engine_without_its_files_says_how_to_get_them(self, settings: Settings) -> None:
        viettts = checks.check_engines(settings)[1]
        assert viettts.verdict == "warn"
        assert "viettts is not installed (config.yaml, llm.pt, " in viettts.fact
        assert viettts.remedy == "To speak with it here: loa engines pull viettts"
        asked = checks.check_engines(Settings.load({}, data_dir=settings.data_dir, engines="viettts"))
        assert only(asked).verdict == "fail"

    def test_an_engine_with_a_damaged_file(self, settings: Settings) -> None:
        files = EngineFiles.of("viettts", settings)
        files.folder.mkdir(parents=True)
        for file in files.bundle.files:
            (files.folder / file.name).write_bytes(b"whole")
        assert checks.check_engines(settings)[1].verdict == "ok"
        (files.folder / PULL_RECORD).write_text(json.dumps({"files": [{"name": "llm.pt", "size": 5000}]}))
        finding = checks.check_engines(settings)[1]
        assert (finding.verdict, finding.fact.rpartition("/")[2]) == ("fail", "llm.pt has 5 bytes; the record of its pull says 5000")

    def test_an_engine_that_was_asked_for_must_be_there(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        without(monkeypatch, "torch")
        asked = Settings.load({}, data_dir=settings.data_dir, engines="vits,viet")
        missing, unknown = checks.check_engines(asked)
        assert (missing.verdict, unknown.verdict) == ("fail", "fail")
        assert "names 'viet'" in unknown.fact

    def test_voices(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        (data / "voices" / "vi_VN-vais1000-medium").mkdir(parents=True)
        (data / "voices" / "vi_VN-vais1000-medium" / "vi_VN-vais1000-medium.onnx").write_bytes(b"half of it")
        (data / "voices" / "vi_VN-vais1000-medium" / "vi_VN-vais1000-medium.onnx.json").write_bytes(b"{}")
        (data / "voices" / "wrong.toml").write_text("title = 3")
        findings = checks.check_voices(Settings.load({}, data_dir=str(data), voices=str(SINE)))
        facts = {finding.fact: finding.verdict for finding in findings}
        assert facts["installed: joe, sine"] == "ok"
        assert facts["known, but their engine is not installed here: cdteam, nu-nhe-nhang, quynh, 20 more"] == "ok"
        assert sorted(fact.split(":")[0].rpartition("/")[2] for fact, verdict in facts.items() if verdict == "fail") == [
            "vi_VN-vais1000-medium.onnx has 10 bytes; the manifest of voice 'vi_VN-vais1000-medium' says 63201294",
            "wrong.toml",
        ]

    def test_a_common_voice_that_is_missing_is_named(self, settings: Settings) -> None:
        assert checks.warn(
            "voice", "vi_VN-vais1000-medium is common, but not installed", "loa voices pull vi_VN-vais1000-medium"
        ) in checks.check_voices(settings)

    def test_broker(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        assert only(checks.check_broker(settings)).verdict == "ok"
        assert "no embedded server is needed" in only(checks.check_broker(Settings.load({}, redis_url="redis://elsewhere"))).fact

        def missing() -> None:
            raise BrokerMissing("no Redis-compatible server can be started here")

        monkeypatch.setattr("loa.broker.find_server", missing)
        finding = only(checks.check_broker(settings))
        assert finding.verdict == "fail"
        assert "valkey-server" in finding.remedy

    def test_redis(self, broker: Broker, settings: Settings, dead_url: str) -> None:
        assert "not running" in only(checks.check_redis(settings)).fact
        found, memory, artifacts = checks.check_redis(Settings.load({}, redis_url=broker.url))
        assert [one.verdict for one in (found, memory, artifacts)] == ["ok"] * 3
        assert broker.url in found.fact
        assert "no limit" in memory.fact
        dead = Settings.load({}, redis_url=dead_url.replace("http", "redis"))
        assert only(checks.check_redis(dead)).verdict == "fail"

    def test_redis_of_another_version_of_loa(self, tmp_path: Path) -> None:
        with Broker(tmp_path / "redis") as broker:
            with redis.Redis.from_url(broker.url) as client:
                client.set("loa:schema", 99)
            finding = only(checks.check_redis(Settings.load({}, redis_url=broker.url)))
        assert finding.verdict == "fail"
        assert "schema 99" in finding.fact

    @pytest.mark.parametrize(
        ("used", "limit", "policy", "verdict"),
        [(9, 0, "noeviction", "ok"), (79, 100, "noeviction", "ok"), (81, 100, "noeviction", "warn"), (1, 100, "allkeys-lru", "fail")],
    )
    def test_the_memory_of_redis(self, used: int, limit: int, policy: str, verdict: str) -> None:
        info = {"used_memory": used * 10**6, "maxmemory": limit * 10**6, "maxmemory_policy": policy}
        finding = checks.judge_memory(info)
        assert finding.verdict == verdict
        assert f"{used} MB in use" in finding.fact

    def test_what_the_artifacts_take(self) -> None:
        assert "not swept yet" in checks.judge_artifacts(None).fact
        kinds = {"segments": {"files": 3, "bytes": 2_500_000_000}, "audio": {"files": 2, "bytes": 10**9}, "plans": {"files": 0, "bytes": 0}}
        found = checks.judge_artifacts({"at": 1_763_000_000.0, "kinds": kinds}).fact
        assert found == "5 files (segments 2.50 GB, audio 1.00 GB), swept 2025-11-13T02:13:20.000Z"

    def test_folders(self, tmp_path: Path) -> None:
        here = Settings.load({}, data_dir=str(tmp_path / "new" / "data"))
        assert "it will be made" in only(checks.check_folders(here)).fact
        assert not (tmp_path / "new").exists()
        apart = Settings.load({}, data_dir=str(tmp_path), artifacts=str(tmp_path.parent / "audio"))
        assert [finding.subject for finding in checks.check_folders(apart)] == ["LOA_DATA_DIR", "LOA_ARTIFACTS"]
        remote = Settings.load({}, data_dir=str(tmp_path), artifacts="s3://bucket/loa")
        assert [finding.subject for finding in checks.check_folders(remote)] == ["LOA_DATA_DIR"]

    @pytest.mark.parametrize(("free", "verdict"), [(5 * 10**9, "ok"), (10**9, "warn"), (10**7, "fail")])
    def test_free_space(self, settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
        assert only(checks.check_folders(settings)).verdict == verdict

    def test_a_folder_that_cannot_be_written(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(**_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.TemporaryFile", refused)
        finding = only(checks.check_folders(settings))
        assert finding.verdict == "fail"
        assert "Permission denied" in finding.fact

    def test_server(self, server: SmallServer, dead_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def look(url: str) -> tuple[str, str]:
            finding = only(checks.check_server(Settings.load({}, url=url)))
            return finding.verdict, finding.fact

        assert look(server.url) == ("ok", f"{server.url} is ready")
        server.hot = False
        assert look(server.url) == ("warn", f"{server.url} answers, but no worker is hot")
        server.faults = [refuse(503, problem("store_unavailable", "Redis is away"), Retry_After="1")]
        assert look(server.url) == ("fail", f"{server.url}: Redis is away")
        assert look(dead_url)[0] == "warn"
        monkeypatch.setenv("LOA_URL", dead_url)  # someone said that it should be there
        assert look(dead_url)[0] == "fail"
