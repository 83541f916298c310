"""What is moved onto huge pages, and that nothing is lost on the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from worker.engines.viettts import huge_pages

PAGE = 2 << 20
MAPS = """\
55d0c0000000-55d0c8000000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000400000 rw-p 00000000 00:00 0
7f0010001000-7f0014001000 rw-p 00000000 00:00 0
7f0020000000-7f0024000000 r--p 00000000 00:00 0
7f0030000000-7f0034000000 rw-p 00000000 08:01 4711                       /data/llm.pt
7f0040000000-7f0044000000 rw-s 00000000 00:00 0
7f0050000000-7f0054000000 ---p 00000000 00:00 0
7f0060000000-7f0061000000 rw-p 00000000 00:00 0
"""


def test_large_memory_of_its_own_is_moved_in_whole_pages() -> None:
    """Not a file's, nor what is shared, protected or small; nor the heap, of which other allocations take and give."""
    assert list(huge_pages.large(MAPS, PAGE)) == [(0x7F0010200000, 0x7F0014000000), (0x7F0060000000, 0x7F0061000000)]


def test_what_is_moved_stays_what_it_is() -> None:
    before = torch.arange(16_000_000)
    moved = huge_pages.collapse()
    assert torch.equal(before, torch.arange(16_000_000))
    rollup = Path("/proc/self/smaps_rollup")
    lying = re.search(r"AnonHugePages: +(\d+) kB", rollup.read_text(encoding="ascii")) if rollup.is_file() else None
    assert moved <= (int(lying[1]) * 1024 if lying else 0)


@pytest.mark.parametrize("setting", ["always madvise [never]\n", None])
def test_a_system_that_does_not_want_it_is_left_alone(setting: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("ALLOWED", setting), ("SIZE", None if setting is None else f"{PAGE}\n")):
        path = tmp_path / name
        if text is not None:
            path.write_text(text, encoding="ascii")
        monkeypatch.setattr(huge_pages, name, path)
    monkeypatch.setattr(huge_pages, "large", lambda *_: pytest.fail("memory is looked at"))
    assert huge_pages.collapse() == 0
