"""How every process of Loa logs: one line an event, to standard error."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
QUIET = ("kombu", "celery", "amqp", "urllib3", "fsspec", "s3fs", "botocore")  # libraries that speak only when something is wrong


def log_to_stderr(level: str) -> None:
    """Set up the root logger: `level` and above for Loa, warnings and above for libraries."""
    logging.basicConfig(level=level.upper(), format=FORMAT, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
