"""`python -m loa` is `loa`."""

from __future__ import annotations

from loa.cli import main

main()
