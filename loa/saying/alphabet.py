"""The letters that voices of both languages read; what is written in others cannot be said, and is reported."""

from __future__ import annotations

LATIN = "A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿ"  # of a character class, with the marked letters of all Latin scripts
