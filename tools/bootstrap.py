"""Set up everything that Loa needs, in .venv of the project folder: `bootstrap.py run` (to use it) or `bootstrap.py dev` (and to test it).

Run by `make`; any Python from 3.6 on can run this file, so that it can say what is missing. It does nothing when nothing has changed.

    PYTHON=/path/to/python3.12    the Python to use; else the first of python3.13, python3.12, python3.11, python3 that is fit
    LOA_TORCH=cpu | cuda          the build of PyTorch; else CUDA where an NVIDIA driver is present, and CPU elsewhere

No root, nothing outside the project folder but pip's cache.
"""

import collections
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "loa-setup.json"
LOCKS = {"run": "requirements/loa.lock", "dev": "requirements/dev.lock"}

OLDEST, NEWEST = (3, 11), (3, 13)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # PyTorch's own; PyPI has only CUDA builds for Linux
CPU_INDEX_SECONDS = 5  # to an answer; then it counts as unreachable
CPU_TORCH_MB = 195  # the wheels of torch and torchaudio; the PyPI build for CUDA is counted by its lock
DISK_PER_DOWNLOAD = {"cpu": 4.0, "cuda": 2.2, "packages": 3.5}  # CPU torch and packages measured on Linux x86-64; CUDA estimated

# What a Python says of itself.
PROBE = """
import json, platform, sys
missing = []
for name in ("venv", "ensurepip", "ssl", "ctypes", "zlib"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
print(json.dumps({"version": list(sys.version_info[:3]), "missing": missing, "system": platform.system(), "machine": platform.machine(),
                  "libc": platform.libc_ver()[0], "bits": 64 if sys.maxsize > 2**32 else 32}))
"""

Torch = collections.namedtuple("Torch", "build arguments megabytes because")  # build: "cpu" or "cuda"; arguments: for pip install --no-deps


class SetupError(Exception):
    """One sentence with the remedy."""


# --- which Python ---------------------------------------------------------------------------------------------------


def probe(python):
    """What `python` (a path or a name) says of itself, or None when it does not run."""
    try:
        answer = subprocess.run([python, "-I", "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
        return json.loads(answer.stdout.decode()) if answer.returncode == 0 else None
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def choose_python(wish, probe=probe):
    """The name of the Python to use and what it says of itself; `wish` is $PYTHON or "". Raises SetupError."""
    names = [wish] if wish else ["python3.13", "python3.12", "python3.11", "python3", "python"]
    seen = []
    for name in names:
        facts = probe(name)
        if facts is None:
            if wish:
                seen.append("%s does not run" % name)
            continue
        version = ".".join(str(part) for part in facts["version"])
        if not OLDEST <= tuple(facts["version"][:2]) <= NEWEST:
            seen.append("%s is Python %s" % (name, version))
        elif "venv" in facts["missing"] or "ensurepip" in facts["missing"]:
            package = "python%d.%d-venv" % tuple(facts["version"][:2])
            seen.append("%s lacks its venv module (on Debian and Ubuntu: apt install %s)" % (name, package))
        elif facts["missing"]:
            seen.append("%s was built without %s" % (name, " and ".join(facts["missing"])))
        else:
            return name, facts
    found = "; ".join(seen) or "none was found"
    raise SetupError(
        "Loa needs Python 3.11, 3.12 or 3.13 with venv: %s. Install one (for example `apt install python3.11 python3.11-venv`, "
        "`brew install python@3.12` or `uv python install 3.12`) or name it: `make demo PYTHON=/path/to/python3.12`." % found
    )


def check_machine(facts, which=shutil.which, redis_url=""):
    """Raises SetupError where no wheel of PyTorch fits, or where no server for the broker can be had."""
    system, machine = facts["system"], facts["machine"]
    fit = {"Linux": ("x86_64", "aarch64"), "Darwin": ("arm64",)}
    if machine not in fit.get(system, ()) or facts["bits"] != 64 or (system == "Linux" and facts["libc"] != "glibc"):
        raise SetupError(
            "PyTorch has no build for this machine (%s, %s, %d bits, C library %s): use Linux with glibc on x86-64 or ARM64, macOS on ARM, "
            "or Docker." % (system, machine, facts["bits"], facts["libc"] or "unknown")
        )
    if (system, machine) != ("Linux", "x86_64") and not redis_url and not (which("valkey-server") or which("redis-server")):
        raise SetupError(
            "The server that comes with Loa is for Linux on x86-64 only: install valkey-server or redis-server, 6.2 or newer (for example "
            "`brew install valkey` or `apt install redis-server`), or set LOA_REDIS_URL to one that runs."
        )


# --- which torch ----------------------------------------------------------------------------------------------------


def choose_torch(wish, system, driver, index_reachable, offered, lock_megabytes):
    """Which build of PyTorch to install and where from. Raises SetupError.

    wish: $LOA_TORCH or ""; driver: whether an NVIDIA driver is present; index_reachable() -> bool; offered() -> the version that pip would
    install as it is configured here, such as "2.13.0+cpu"; lock_megabytes: the download of requirements/torch.lock.
    """
    versions = dict(line.split("==") for line in (ROOT / "requirements/torch.in").read_text().splitlines() if "==" in line)
    torch, audio = "torch==" + versions["torch"], "torchaudio==" + versions["torchaudio"]
    locked = ["--require-hashes", "-r", str(ROOT / "requirements/torch.lock")]
    if wish not in ("", "cpu", "cuda"):
        raise SetupError("LOA_TORCH is %r; it takes cpu or cuda, or nothing to let the machine decide." % wish)
    if system == "Darwin":
        if wish == "cuda":
            raise SetupError("LOA_TORCH=cuda, but macOS has no CUDA: unset it.")
        return Torch("cpu", locked, CPU_TORCH_MB, "the only one for macOS")
    if wish == "cuda" or (not wish and driver):
        return Torch("cuda", locked, lock_megabytes, "LOA_TORCH asks for it" if wish else "an NVIDIA driver is present")
    because = "LOA_TORCH asks for it" if wish else "no NVIDIA driver was found"
    if index_reachable():
        return Torch("cpu", ["--extra-index-url", CPU_INDEX, torch + "+cpu", audio], CPU_TORCH_MB, because)
    because += "; PyTorch's CPU index cannot be reached"
    found = offered(torch)
    if found.endswith("+cpu"):
        return Torch("cpu", ["torch==" + found, audio], CPU_TORCH_MB, because + ", but pip is configured to find it")
    if wish == "cpu":
        raise SetupError(
            "LOA_TORCH=cpu, but %s cannot be reached and pip offers only the CUDA build, %.1f GB: make the index reachable, give pip a "
            "CPU build of %s (PIP_FIND_LINKS), or unset LOA_TORCH to take the CUDA build." % (CPU_INDEX, lock_megabytes / 1e3, torch)
        )
    return Torch("cuda", locked, lock_megabytes, because + " and pip offers only this build; it works without a GPU too")


def driver_present():
    """Whether an NVIDIA driver runs on this machine (WSL2 has no /proc/driver/nvidia; nvidia-smi tells there)."""
    if Path("/proc/driver/nvidia/version").exists():
        return True
    smi = shutil.which("nvidia-smi", path=os.environ.get("PATH", "") + ":/usr/lib/wsl/lib")
    try:
        listed = subprocess.run([smi or "nvidia-smi", "-L"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
        return listed.stdout.startswith(b"GPU")
    except (OSError, subprocess.SubprocessError):
        return False


def index_reachable(url=CPU_INDEX + "/torch/", seconds=CPU_INDEX_SECONDS):
    """Whether the index answers in time. A thread asks, because looking up a name knows no time limit."""
    answers = []

    def ask():
        try:
            with urllib.request.urlopen(url, timeout=seconds) as answer:
                answers.append(answer.status == 200)
        except OSError:  # URLError and time-outs included
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers == [True]


def offered(requirement):
    """The version that pip's configuration gives for `requirement`, without installing it."""
    answer = pip(["install", "--dry-run", "--no-deps", "--ignore-installed", "--report", "-", requirement], capture=True)
    return json.loads(answer)["install"][0]["metadata"]["version"]


# --- doing it -------------------------------------------------------------------------------------------------------


def digest(*names):
    """One hash of the files' contents."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in names)).hexdigest()


def lock_megabytes(name):
    """The download that a lock's first line tells: `# 189 MB to download. …`."""
    return int((ROOT / name).read_text().split(None, 2)[1])


def pip(arguments, capture=False, progress=False):
    """Run the venv's pip; its output if `capture`. Only errors are shown, or all it says if `progress`. Raises SetupError."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET")}
    environment.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore")
    command = [str(VENV_PYTHON), "-m", "pip"] + ([] if progress else ["-qq"]) + arguments
    ended = subprocess.run(command, env=environment, cwd=str(ROOT), stdout=subprocess.PIPE if capture else None)
    if ended.returncode != 0:
        raise SetupError("pip failed; its words are above. Check the internet connection and the disk, then run the same command again.")
    return ended.stdout.decode() if capture else ""


def install(what, arguments, progress=False):
    started = time.time()
    sys.stdout.write("  %s … %s" % (what, "\n" if progress else ""))
    sys.stdout.flush()
    pip(["install", "--no-deps"] + arguments, progress=progress)
    print("%s%.0f s" % ("  " if progress else "", time.time() - started))


def read_stamp():
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def write_stamp(stamp):
    written = STAMP.with_suffix(".new")
    written.write_text(json.dumps(stamp, indent=1) + "\n")
    written.replace(STAMP)


def make_venv(wish):
    """A venv with a fit Python: the one that this file made earlier, or a new one. What its Python says of itself."""
    facts = probe(str(VENV_PYTHON)) if read_stamp() else None  # without a stamp it was never finished
    if wish or facts is None or not OLDEST <= tuple(facts["version"][:2]) <= NEWEST:
        name, wanted = choose_python(wish)
        if facts is None or facts["version"] != wanted["version"]:
            print("Making .venv with Python %s" % ".".join(str(part) for part in wanted["version"]))
            subprocess.run([name, "-m", "venv", "--clear", str(VENV)], check=True)
            facts = wanted
    return facts


def set_up(wanted, environ):
    facts = make_venv(environ.get("PYTHON", ""))
    check_machine(facts, redis_url=environ.get("LOA_REDIS_URL", "") if wanted == "run" else "")
    stamp = read_stamp()
    wanted = "dev" if stamp.get("set") == "dev" else wanted  # the larger set is never taken back
    wish = environ.get("LOA_TORCH", "")
    digests = {
        "installer": digest("requirements/pip.lock"),
        "torch": digest("requirements/torch.in", "requirements/torch.lock"),
        "packages": digest(LOCKS[wanted]),
        "project": digest("pyproject.toml", "loa/__init__.py"),
    }
    stale = [part for part in digests if stamp.get(part) != digests[part]]
    if wish and wish != stamp.get("build") and "torch" not in stale:
        stale.append("torch")
    if not stale:
        return

    def done(part, **more):
        stamp.update(more)
        stamp[part] = digests[part]
        write_stamp(stamp)

    if "installer" in stale:
        pip(["install", "--require-hashes", "-r", str(ROOT / "requirements/pip.lock")])
        done("installer")
    sizes = {}
    if "torch" in stale:
        torch = choose_torch(wish, facts["system"], driver_present(), index_reachable, offered, lock_megabytes("requirements/torch.lock"))
        print("PyTorch for %s: %s." % ("CPU" if torch.build == "cpu" else "CUDA", torch.because))
        sizes[torch.build] = torch.megabytes
    if "packages" in stale:
        sizes["packages"] = lock_megabytes(LOCKS[wanted])
    check_disk(sizes)
    if "torch" in stale:
        install("PyTorch, %d MB" % torch.megabytes, ["--only-binary", ":all:"] + torch.arguments, progress=sys.stdout.isatty())
        done("torch", build=torch.build)
    if "packages" in stale:
        install("packages, %d MB" % sizes["packages"], ["--only-binary", ":all:", "--require-hashes", "-r", str(ROOT / LOCKS[wanted])])
        done("packages", set=wanted)
    if "project" in stale:
        install("Loa", ["--no-build-isolation", "--no-index", "-e", str(ROOT)])
        done("project")


def check_disk(sizes, free=None):
    """Say what will be downloaded and how much disk it takes. Raises SetupError when that is not free."""
    if not sizes:
        return
    download = sum(sizes.values())
    disk = sum(megabytes * DISK_PER_DOWNLOAD[kind] for kind, megabytes in sizes.items())
    free = shutil.disk_usage(str(ROOT)).free / 1e6 if free is None else free
    print("Installing into .venv: up to %d MB to download, about %.1f GB on disk." % (download, disk / 1e3))
    if free < disk:
        raise SetupError("Only %.1f GB are free where %s is: free %.1f GB more." % (free / 1e3, ROOT, (disk - free) / 1e3))


def main(arguments):
    if arguments not in (["run"], ["dev"]):
        sys.stderr.write("usage: bootstrap.py run|dev\n")
        return 2
    try:
        with (ROOT / ".venv.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two `make` at once set up once
            set_up(arguments[0], os.environ)
    except SetupError as error:
        sys.stderr.write("\n%s\n" % error)
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write("\nMaking .venv failed (%s); its words are above.\n" % " ".join(error.cmd))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
