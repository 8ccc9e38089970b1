"""What the doctor finds out about Celery: its broker, and whether a worker takes this package's tasks."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires
from urllib.parse import urlsplit

from celery import Celery, current_app
from celery.exceptions import QueueNotFound

from actionstep_connect.flows.doctor import Finding, error, ok, warning
from actionstep_connect.queues import queues_of_tasks

BROKER, QUEUE = "broker", "queue"
TIMEOUT = 5  # seconds for the broker
WORKERS_TIMEOUT = 2  # seconds for workers to say which queues they take from

#: Broker addresses whose scheme is not the name of kombu's extra.
EXTRAS = {"rediss": "redis", "sentinel": "redis", "sqla": "sqlalchemy", "kafka": "confluentkafka"}
_CRON = "With cron instead of Celery, ignore this."


def check_celery() -> Iterator[Finding]:
    """See that the broker answers, and that some worker takes what is sent to it."""
    app = current_app
    if not app.conf.broker_url:  # Celery would try a broker on this machine.
        yield warning(
            BROKER,
            "No Celery broker is configured in this process: your Celery app is not loaded, or has none.",
            f"Import it in your project's __init__.py, as Celery's guide to Django has it. {_CRON}",
        )
        return
    try:
        with app.connection_for_write(connect_timeout=TIMEOUT) as connection:
            # Its address without the password: `as_uri()` hides that.
            address = connection.as_uri().replace("://:**@", "://")
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT)
            # No other process takes from a broker that is in this one's memory.
            has_workers = connection.transport.driver_type != "memory"
    except Exception as failure:  # noqa: BLE001 - each transport has exceptions of its own.
        yield _no_broker(app, failure)
    else:
        yield ok(BROKER, f"{address} answers.")
        yield from _queues(app, has_workers=has_workers)


def _no_broker(app: Celery, failure: Exception) -> Finding:
    url = app.conf.broker_url
    scheme = urlsplit(url if isinstance(url, str) else url[0]).scheme.partition("+")[0].lower()
    if lacking := _missing_library(EXTRAS.get(scheme, scheme)):
        library, install = lacking
        return warning(
            BROKER,
            f"Celery's broker is at {scheme}://, for which the library {library!r} is not installed.",
            f"Install it where the site and its workers run: `{install}`. {_CRON}",
        )
    return warning(
        BROKER,
        f"Celery's broker cannot be reached ({type(failure).__name__}).",
        f"Start it, or correct its address. {_CRON}",
    )


def _missing_library(extra: str) -> tuple[str, str] | None:
    """Return what kombu needs for a broker and this environment lacks, and how to install it."""
    for requirement in requires("kombu") or ():
        name, _, marker = requirement.partition(";")
        if re.search(rf"""extra\s*==\s*["']{re.escape(extra)}["']""", marker):
            library = re.match(r"[\w.-]+", name)
            if library and not _is_installed(library[0]):
                return library[0], f'pip install "kombu[{extra}]"'
    return None


def _is_installed(library: str) -> bool:
    try:
        distribution(library)
    except PackageNotFoundError:
        return False
    return True


def _queues(app: Celery, *, has_workers: bool) -> Iterator[Finding]:
    try:
        wanted = queues_of_tasks(app)
    except QueueNotFound as failure:
        yield error(
            QUEUE,
            f"This package's tasks cannot be sent: {failure.args[0]}.",
            "Add the queue to task_queues, or correct task_routes.",
        )
        return
    if not has_workers:
        return
    # None where no worker answers, or the broker carries no such questions: then nothing is known.
    answers = app.control.inspect(timeout=WORKERS_TIMEOUT).active_queues() or {}
    taken = {str(queue["name"]) for queues in answers.values() for queue in queues}
    if not taken:
        return
    if not wanted - taken:
        yield ok(QUEUE, f"A worker takes from each queue of this package's tasks: {_list(wanted)}.")
        return
    yield error(
        QUEUE,
        f"Tasks of this package go to {_list(wanted - taken)}, and no worker that answers takes from "
        f"there (they take from {_list(taken)}).",
        f"Start a worker with `--queues={','.join(sorted(wanted))}`, or correct task_routes.",
    )


def _list(queues: set[str]) -> str:
    return ", ".join(map(repr, sorted(queues)))
