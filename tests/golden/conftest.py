"""VietTTS at full size beside its own implementation. `make golden` brings that and runs these; `make test`, which has it not, leaves them
out: it compares small models with golden files instead."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("viettts") is None:
    collect_ignore_glob = ["test_*.py"]
