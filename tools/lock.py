"""Resolve every dependency and write the lock files (`make lock`; needs `uv`, which comes with the development set).

    requirements/loa.lock    what `make demo` and the images install, without torch
    requirements/dev.lock    the same and the tools for tests and development
    requirements/torch.lock  torch and torchaudio as the default index has them: for CUDA on Linux, with NVIDIA's libraries
    requirements/pip.lock    the installer itself

All are resolved for Linux and macOS, Python 3.11-3.13, from wheels alone, with hashes. The CPU build of torch has other hashes on other
indexes, so tools/bootstrap.py takes it by its exact version instead. Nothing in a lock names a registry. The first line of each says how
much a Linux x86-64 machine downloads for it.

`python tools/lock.py --upgrade` takes newer versions; without it, versions that still satisfy pyproject.toml stay.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
UV = Path(sys.executable).with_name("uv")
OLDEST_PYTHON = "3.11"  # one resolution for it and everything newer: what is tested is what others get
CUDA_SIDE = re.compile(r"(torch|torchaudio|triton|nvidia-.*|cuda-.*)$")  # packages whose build differs from machine to machine


def resolve(*sources: str, constraints: Path | None = None) -> dict[str, str]:
    """The locked packages, each with its requirement and hashes as text, by name."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "all.lock"
        compile_(target, *sources, "--universal", "--generate-hashes", *([] if constraints is None else ["--constraint", str(constraints)]))
        text = target.read_text()
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    return {block.partition("==")[0]: block for block in blocks if "==" in block}


def download_megabytes(packages: dict[str, str]) -> int:
    """What a Linux x86-64 machine with the oldest Python downloads for `packages`."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, answer = Path(folder) / "wanted.txt", Path(folder) / "pylock.toml"
        wanted.write_text("".join(packages.values()))
        compile_(answer, str(wanted), "--no-deps", "--format", "pylock.toml", "--python-platform", "x86_64-manylinux_2_28")
        found = tomllib.loads(answer.read_text())["packages"]
    return math.ceil(sum(package["wheels"][0]["size"] for package in found) / 1e6)


def compile_(target: Path, *arguments: str) -> None:
    fixed = [
        "--python-version",
        OLDEST_PYTHON,
        "--fork-strategy",
        "fewest",
        "--only-binary",
        ":all:",
        "--no-header",
        "--no-annotate",
        "--quiet",
    ]
    subprocess.run([UV, "pip", "compile", *arguments, *fixed, "--output-file", target], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def write(name: str, packages: dict[str, str]) -> None:
    size = download_megabytes(packages)
    (LOCKS / name).write_text(f"# {size} MB to download. Made by `make lock`; do not edit.\n" + "".join(packages.values()))
    print(f"requirements/{name}: {len(packages)} packages, {size} MB")


def main() -> None:
    newer = "--upgrade" in sys.argv[1:]
    torch = LOCKS / "torch.in"
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"  # what is locked now, as constraints
        locked = [LOCKS / name for name in ("dev.lock", "torch.lock", "pip.lock")]
        texts = [] if newer else [lock.read_text() for lock in locked if lock.exists()]
        pins = [pin for text in texts for pin in re.findall(r"^\w.*==.*[^\s\\]", text, re.MULTILINE) if not pin.startswith("torch")]
        known.write_text("\n".join([*pins, torch.read_text()]))
        installer = resolve(str(LOCKS / "pip.in"), constraints=known)
        development = resolve("pyproject.toml", "--extra", "dev", constraints=known)
        known.write_text("".join(re.sub(r" \\\n.*", "\n", block, flags=re.DOTALL) for block in development.values()))
        runtime = resolve("pyproject.toml", "--extra", "all", "--extra", "build", constraints=known)
    write("torch.lock", {name: block for name, block in runtime.items() if CUDA_SIDE.match(name)})
    write("loa.lock", {name: block for name, block in runtime.items() if not CUDA_SIDE.match(name)})
    write("dev.lock", {name: block for name, block in development.items() if not CUDA_SIDE.match(name)})
    write("pip.lock", installer)


if __name__ == "__main__":
    main()
