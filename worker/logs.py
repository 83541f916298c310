"""What a worker writes to standard error. Parent and children log alike: both import this module before Celery sets up its own logging."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import setup_logging

from loa import logs
from loa.settings import Settings

FORMAT = "%(asctime)s %(processName)s %(name)s %(levelname)s %(message)s"


@setup_logging.connect
def log_to_stderr(**_: Any) -> None:
    logs.log_to_stderr(Settings.load().log_level, FORMAT)
    logging.captureWarnings(True)
    warnings.filterwarnings("ignore", category=SecurityWarning)  # about root: a message here is JSON and holds one token
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)  # about a default that worker/app.py sets explicitly
