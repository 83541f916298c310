"""The Celery shell around `loa` and the speech engines; the only home of torch."""
