"""Loa's core: what a job is, where it is stored, voices, text, audio and the command line.

Nothing in this package imports Flask, Celery or torch: `api` and `worker` are thin shells around it.
"""

__version__ = "0.1.0"
