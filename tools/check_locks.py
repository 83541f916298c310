"""Do the locks resolve to wheels alone, on every Python and platform that Loa names? `make check-locks` takes some minutes.

Two answers: uv resolves every lock for every Python and platform and must find a wheel for each package; pip really downloads what an
ordinary Linux machine needs for each Python, hashes checked: 1.3 GB, removed afterwards. PyTorch's gigabytes are only resolved.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_MACOS = "14.0"
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
LOCKS = ("loa.lock", "dev.lock", "torch.lock", "pip.lock")
# What pip on a machine with glibc 2.28 takes, newest first.
LINUX_TAGS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17, 12, 5)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"),
)


def resolves(lock: str, python: str, platform: str) -> str:
    """What is wrong, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "pylock.toml"
        target = ["--python-version", python, "--python-platform", platform]
        fixed = ["--no-deps", "--only-binary", ":all:", "--format", "pylock.toml", "--quiet", "--output-file", answer]
        command = [UV, "pip", "compile", ROOT / "requirements" / lock, *target, *fixed]
        environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
        ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if ended.returncode != 0:
            return ended.stderr.strip()
        packages = tomllib.loads(answer.read_text()).get("packages", [])
    without = [package["name"] for package in packages if not package.get("wheels")]
    return f"no wheel for {', '.join(without)}" if without or not packages else ""


def downloads(lock: str, python: str) -> str:
    """What is wrong, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        target = ["--python-version", python, "--implementation", "cp", *(word for tag in LINUX_TAGS for word in ("--platform", tag))]
        fixed = ["--only-binary=:all:", "--no-deps", "--require-hashes", "--no-cache-dir", "--quiet", "--dest", folder]
        command = [sys.executable, "-m", "pip", "download", *target, *fixed, "-r", ROOT / "requirements" / lock]
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if ended.returncode != 0:
            return ended.stderr.strip()
        others = [path.name for path in Path(folder).iterdir() if path.suffix != ".whl"]
        return f"not wheels: {', '.join(others)}" if others else ""


def main() -> int:
    checks = [
        (f"{lock}, Python {python}, {platform}", resolves(lock, python, platform))
        for lock in LOCKS
        for python in PYTHONS
        for platform in PLATFORMS
    ]
    checks += [
        (f"pip download {lock}, Python {python}, Linux x86-64", downloads(lock, python))
        for lock in ("dev.lock", "pip.lock")
        for python in PYTHONS
    ]
    for what, wrong in checks:
        print(f"{'FAILED' if wrong else 'wheels'}  {what}{': ' if wrong else ''}{wrong}")
    return 1 if any(wrong for _, wrong in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
