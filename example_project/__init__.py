"""A site as a law firm's developer would build one, and the demo that runs it."""

from example_project.celery import app as celery_app

#: Loaded with the project, so that every process of the site knows its broker (Celery's own advice).
__all__ = ["celery_app"]
