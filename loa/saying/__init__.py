"""From what is written to what is said."""

from loa.saying.said import Change, Rule, Said, changes_of, replaced

__all__ = ["Change", "Rule", "Said", "changes_of", "replaced"]
