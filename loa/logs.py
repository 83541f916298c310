"""How every process of Loa logs: one line an event, to standard error.

What a log says may come from anybody: a header, a title, a name, the message of a library. So whatever is written goes through `Lines`: a
message stays on its own line, a terminal that shows it takes no orders from it, and URLs come without logins and queries.
"""

from __future__ import annotations

import logging
import re

from loa.urls import shown

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
OURS = ("loa", "api", "worker")  # packages that log as LOA_LOG_LEVEL says; libraries speak only when something is wrong

# Control characters of C0 and C1, and what reorders or hides text: separators of lines, bidi and zero-width marks, tags, surrogates.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
_CONTINUED = "    | "  # before every further line of an event: nobody takes one for an event of its own


def visible(text: str) -> str:
    """The text on one line: what would control a terminal or hide in it, as an escape such as `\\x1b`."""
    return _UNSHOWABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class Lines(logging.Formatter):
    """One line an event; the traceback of an exception follows, each line marked as such."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of the base class
        record.message = visible(shown(record.message))
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802 - the same
        return _indented(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the same
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    return "\n".join(_CONTINUED + visible(shown(line)) for line in text.split("\n"))


def log_to_stderr(level: str, form: str = FORMAT) -> None:
    """Set up the root logger: `level` and above for Loa, warnings and above for libraries."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
