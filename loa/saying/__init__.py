"""From what is written to what is said."""

from loa.saying.said import Change, Rule, Said, changes_of, replaced
from loa.saying.say import say

__all__ = ["Change", "Rule", "Said", "changes_of", "replaced", "say"]
