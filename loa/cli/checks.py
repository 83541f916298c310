"""The checks of `loa doctor`: each looks at one thing and says ok, warn or fail, and what to do.

`fail` is for what cannot work on any machine; what only a server needs, and a client does not, is a warning at most.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loa.api_keys import masked
from loa.engines import ENGINES, importable
from loa.errors import BrokerMissing, Forbidden, InvalidKey, LoaError, MissingKey, ServerUnreachable
from loa.instants import iso
from loa.settings import Settings, variable
from loa.urls import shown

if TYPE_CHECKING:
    from loa.client import Client

LEAST_FREE = 100_000_000  # bytes; an hour of wav at 22,050 Hz is 159 MB
WISE_FREE = 2_000_000_000  # bytes; a few books with their segments
FULL_MEMORY = 0.8  # share of maxmemory
TORCH_SECONDS = 120  # the first import from a cold disk takes tens of seconds

# Runs in a process of its own: the command line never loads torch, and a torch that crashes is a finding.
LOOK_AT_TORCH = """
import json, torch
facts = {"version": torch.__version__, "cuda": torch.version.cuda, "threads": torch.get_num_threads(),
         "devices": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []}
try:
    import torchaudio
    facts["torchaudio"] = torchaudio.__version__
except Exception as error:
    facts["torchaudio_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(facts))
"""


@dataclass(frozen=True, kw_only=True)
class Finding:
    verdict: Literal["ok", "warn", "fail"]
    subject: str
    fact: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def ok(subject: str, fact: str) -> Finding:
    return Finding(verdict="ok", subject=subject, fact=shown(fact))


def warn(subject: str, fact: str, remedy: str) -> Finding:
    return Finding(verdict="warn", subject=subject, fact=shown(fact), remedy=remedy)


def fail(subject: str, fact: str, remedy: str) -> Finding:
    return Finding(verdict="fail", subject=subject, fact=shown(fact), remedy=remedy)


def check_python(_: Settings) -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return [ok("Python", f"{version} at {sys.executable}")]
    return [fail("Python", version, "Install Loa with Python 3.11, 3.12 or 3.13.")]


def check_torch(_: Settings) -> list[Finding]:
    if not importable("torch"):
        return [warn("torch", "not installed; this machine can submit, but not speak", "To speak here: pip install 'loa[all]'")]
    try:
        done = subprocess.run([sys.executable, "-c", LOOK_AT_TORCH], capture_output=True, text=True, timeout=TORCH_SECONDS, check=True)
        facts = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return [fail("torch", f"importing it took more than {TORCH_SECONDS} s", "Check the disk, then install torch again.")]
    except (subprocess.CalledProcessError, ValueError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        cause = lines[-1] if lines else error
        return [fail("torch", f"cannot be imported: {cause}", "Install torch again, for this Python and this machine.")]
    return [judge_torch(facts), judge_torchaudio(facts)]


def judge_torch(facts: dict[str, Any]) -> Finding:
    """What LOOK_AT_TORCH found of torch itself."""
    build = f"CUDA {facts['cuda']}" if facts["cuda"] else "CPU"
    if facts["devices"]:
        return ok("torch", f"{facts['version']}, {build} build, devices: {', '.join(facts['devices'])}")
    fact = f"{facts['version']}, {build} build, on the CPU with {facts['threads']} threads"
    if not facts["cuda"] and shutil.which("nvidia-smi"):
        return warn("torch", f"{fact}, though this machine has an NVIDIA driver", "To use the GPU: LOA_TORCH=cuda make venv")
    return ok("torch", fact)


def judge_torchaudio(facts: dict[str, Any]) -> Finding:
    """What LOOK_AT_TORCH found of torchaudio."""
    if "torchaudio" in facts:
        return ok("torchaudio", f"{facts['torchaudio']}, native library")
    if not importable("torchaudio"):
        return fail("torchaudio", "not installed; voices of other sample rates cannot be resampled", "pip install 'loa[worker]'")
    return ok("torchaudio", f"a stand-in for its native library, which needs another build of torch ({facts['torchaudio_error']})")


def check_broker(settings: Settings) -> list[Finding]:
    from loa.broker import find_server

    if settings.redis_url:
        return [ok("broker", "LOA_REDIS_URL is set; no embedded server is needed")]
    try:
        server = find_server()
    except BrokerMissing as error:
        return [fail("broker", error.message, error.remedy())]
    return [ok("broker", f"{server.path}, version {server.version[0]}.{server.version[1]}")]


def check_redis(settings: Settings) -> list[Finding]:
    """The server that is in use, if there is one."""
    import redis

    from loa.broker import running_url
    from loa.keys import Keys
    from loa.store.connection import check_server, connect_api
    from loa.store.schema import compare

    url = settings.redis_url or running_url(Path(settings.data_dir) / "redis")
    if url is None:
        return [ok("Redis", "the embedded server is not running; `loa up` starts it")]
    try:
        with connect_api(url) as client:
            check_server(client)
            compare(client, Keys())
            info: dict[str, Any] = client.info("server") | client.info("memory")
            report = client.hget(Keys().sweeper(), "report")
    except redis.RedisError as error:
        return [fail("Redis", f"{url} does not answer: {error}", "Start it, or correct LOA_REDIS_URL.")]
    except LoaError as error:
        return [fail("Redis", error.message, error.remedy())]
    name = f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    return [ok("Redis", f"{name} answers at {url}"), judge_memory(info), judge_artifacts(json.loads(report) if report else None)]


def judge_memory(info: dict[str, Any]) -> Finding:
    """What Redis says of its memory."""
    used, limit, policy = info["used_memory"], info["maxmemory"], info["maxmemory_policy"]
    fact = f"{used / 1e6:.0f} MB in use, {f'at most {limit / 1e6:.0f} MB' if limit else 'no limit'}"
    if limit and policy != "noeviction":
        return fail(
            "Redis memory", f"{fact}, and keys are evicted ({policy})", "Set maxmemory-policy noeviction: each key is part of a job."
        )
    if limit and used > FULL_MEMORY * limit:
        return warn("Redis memory", fact, "Raise maxmemory: at the limit no more jobs are accepted, and none goes on.")
    return ok("Redis memory", fact)


def judge_artifacts(report: dict[str, Any] | None) -> Finding:
    """What the last sweep found."""
    if report is None:
        return ok("artifacts", "not swept yet; their size is known after LOA_SWEEP_SECONDS")
    parts = ", ".join(f"{kind} {tally['bytes'] / 1e9:.2f} GB" for kind, tally in report["kinds"].items() if tally["files"])
    files = sum(tally["files"] for tally in report["kinds"].values())
    return ok("artifacts", f"{files} files ({parts or 'nothing'}), swept {iso(report['at'])}")


def check_engines(settings: Settings) -> list[Finding]:
    wanted = [name.strip() for name in settings.engines.split(",") if name.strip()]
    findings = []
    for name in wanted or [name for name, facts in ENGINES.items() if not facts.for_tests]:
        if name not in ENGINES:
            fact = f"LOA_ENGINES names {name!r}, which this version does not have"
            findings.append(fail("engine", fact, f"Choose from {', '.join(ENGINES)}."))
            continue
        if (obstacle := ENGINES[name].obstacle(settings)) is not None:
            verdict, fact = fail if wanted else warn, f"{name} is not installed ({obstacle.fact})"
            findings.append(verdict("engine", fact, f"To speak with it here: {obstacle.remedy}"))
            continue
        try:
            if (files := ENGINES[name].files(settings)) is not None:
                files.paths()
        except LoaError as error:
            findings.append(fail("engine", error.message, error.remedy()))
        else:
            findings.append(ok("engine", f"{name} is installed"))
    return findings


def check_voices(settings: Settings) -> list[Finding]:
    from loa.voices import VoiceRegistry

    registry = VoiceRegistry(settings)
    findings = [fail("voice", error.message, error.remedy()) for error in registry.broken().values()]
    usable, unavailable = [], []
    speaking = {name for name, facts in ENGINES.items() if facts.obstacle(settings) is None}
    for voice in registry.all().values():
        if voice.engine not in speaking:
            unavailable.append(voice)
        elif not registry.installed(voice):
            if voice.common:
                findings.append(warn("voice", f"{voice.name} is common, but not installed", f"loa voices pull {voice.name}"))
        else:
            try:
                registry.files(voice)
            except LoaError as error:
                findings.append(fail("voice", error.message, error.remedy()))
            else:
                usable.append(voice.name)
    if usable:
        findings.insert(0, ok("voices", f"installed: {', '.join(usable)}"))
    else:
        findings.insert(0, warn("voices", "none is installed", "To speak here: pip install 'loa[voices]', or loa voices pull NAME"))
    if unavailable:
        common = [voice.name for voice in unavailable if voice.common]
        more = len(unavailable) - len(common)
        named = ", ".join([*common, *([f"{more} more" if common else f"{more} voices"] if more else [])])
        findings.append(ok("voices", f"known, but their engine is not installed here: {named}"))
    return findings


def check_folders(settings: Settings) -> list[Finding]:
    folders = {variable("data_dir"): settings.data_dir}
    if "://" not in settings.artifacts and not Path(settings.artifacts).is_relative_to(settings.data_dir):
        folders[variable("artifacts")] = settings.artifacts
    return [_folder(name, Path(path)) for name, path in folders.items()]


def _folder(name: str, path: Path) -> Finding:
    standing = next(parent for parent in (path, *path.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=standing):
            free = shutil.disk_usage(standing).free
    except OSError as error:
        return fail(name, f"{standing} cannot be written: {error.strerror}", f"Make it writable, or set {name} to another folder.")
    fact = f"{path} is writable{'' if standing == path else ' (it will be made)'}, {free / 1e9:.1f} GB free"
    if free < LEAST_FREE:
        return fail(name, fact, f"Free space there, or set {name} to another disk.")
    return warn(name, fact, "Books need more: free space there.") if free < WISE_FREE else ok(name, fact)


def check_server(settings: Settings) -> list[Finding]:
    from loa.client import Client

    client = Client(settings.url, patience=0)
    try:
        hot = client.ready()
    except ServerUnreachable as error:
        verdict = fail if os.environ.get("LOA_URL") else warn  # without LOA_URL nobody said that one should run
        return [verdict("server", error.message, error.remedy())]
    except LoaError as error:
        return [fail("server", f"{settings.url}: {error.message}", error.remedy())]
    if not hot:
        found = warn("server", f"{settings.url} answers, but no worker is hot", "Wait for its start to end; `loa workers` shows it.")
    else:
        found = ok("server", f"{settings.url} is ready")
    return [found, *_check_key(client, settings)]


def _check_key(client: Client, settings: Settings) -> list[Finding]:
    """Whether the server takes LOA_API_KEY, or wants one."""
    shown = f"LOA_API_KEY ({masked(settings.api_key)})" if settings.api_key else ""
    try:
        next(client.jobs(limit=1), None)
    except (MissingKey, InvalidKey) as error:
        return [fail("API key", f"{shown or 'LOA_API_KEY is not set'}: {error.message}", error.remedy())]
    except Forbidden as error:
        return [warn("API key", f"{shown} may not see jobs: {error.message}", error.remedy())]
    except LoaError as error:
        return [fail("server", f"{settings.url}: {error.message}", error.remedy())]
    return [ok("API key", f"{shown} is taken")] if shown else []


CHECKS: dict[str, Callable[[Settings], list[Finding]]] = {
    "Python": check_python,
    "torch": check_torch,
    "engines": check_engines,
    "voices": check_voices,
    "broker": check_broker,
    "Redis": check_redis,
    "folders": check_folders,
    "server": check_server,
}
