"""Webhooks: how Loa tells other programs that a job has ended."""
