"""How English is said."""

from __future__ import annotations

from loa.saying.said import Rule

RULES: tuple[Rule, ...] = ()
