"""`python -m loa` is `loa`."""

from __future__ import annotations

from loa.cli import main

if __name__ == "__main__":  # processes that are spawned import this file again
    main()
