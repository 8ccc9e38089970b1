"""Which of Celery's queues this package's tasks go to, and which a worker takes from unless told."""

from collections.abc import Mapping

from celery import Celery, current_app

from actionstep_connect.extensions import extensions

TASKS = (
    "actionstep_connect.tasks.maintain_connections",
    "actionstep_connect.tasks.drain_due_connections",
)


def queues_of_tasks(app: Celery) -> set[str]:
    """Return the names of the queues that `task_routes` and the beat schedule of `app` send to.

    Raises celery.exceptions.QueueNotFound if one does not exist and must not be made.
    """
    scheduled = [
        {**(entry.get("options") or {}), "task": entry.get("task")}
        for entry in (app.conf.beat_schedule or {}).values()
        if isinstance(entry, Mapping)
    ]
    tasks = [*TASKS, *(name for extension in extensions() for name in extension.tasks)]
    options = [each for each in scheduled if each["task"] in tasks]
    options += [{"task": name} for name in tasks if name not in {each["task"] for each in options}]
    return {_queue_of(app, **each) for each in options}


def queues_taken_by_default(app: Celery) -> set[str]:
    """Return the queues that a worker takes from which was started without `--queues`."""
    return set(app.amqp.Queues(app.conf.task_queues or ()) or {app.conf.task_default_queue})


def queues_without_default_worker() -> set[str]:
    """Return the queues of this site's tasks that only a worker started with `--queues` takes from.

    Raises celery.exceptions.QueueNotFound, a KeyError, if one does not exist and must not be made.
    """
    if not current_app.conf.broker_url:
        return set()
    return queues_of_tasks(current_app) - queues_taken_by_default(current_app)


def _queue_of(app: Celery, task: str, **options: object) -> str:
    queue = app.amqp.router.route(options, task).get("queue")
    return str(getattr(queue, "name", queue) or app.conf.task_default_queue)
