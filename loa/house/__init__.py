"""Keeping house: what nobody needs any more goes, so that disk and memory stay bounded.

`Sweeper` is the thread that takes its turn in every API and worker process, `Sweep` one pass over the artifact store.
"""

from __future__ import annotations

from loa.house.sweep import Sweep, SweepLost
from loa.house.sweeper import Sweeper

__all__ = ["Sweep", "SweepLost", "Sweeper"]
