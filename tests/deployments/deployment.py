"""The table of deployments: what of each differs from the others."""

from dataclasses import dataclass, field
from typing import Any

GUNICORN = ("gunicorn", "--timeout", "60", "--graceful-timeout", "60", "--workers", "2")
PRELOADED = (*GUNICORN, "--preload")

#: Web servers by their name, `{port}` to be filled in.
WEB: dict[str, tuple[str, ...]] = {
    "gunicorn sync": (*PRELOADED, "--bind", "127.0.0.1:{port}", "{site}.wsgi"),
    "gunicorn gthread": (
        *(*PRELOADED, "--threads", "8", "--bind", "127.0.0.1:{port}", "{site}.wsgi"),
    ),
    "gunicorn gevent": (
        *(*GUNICORN, "--worker-class", "gevent", "--bind", "127.0.0.1:{port}", "{site}.wsgi"),
    ),
    "uvicorn": (
        *("uvicorn", "--port", "{port}", "--workers", "2", "--timeout-graceful-shutdown", "60"),
        *("{site}.asgi:application",),
    ),
    "uWSGI": (
        *("uwsgi", "--http-socket", "127.0.0.1:{port}", "--module", "{site}.wsgi"),
        *("--master", "--processes", "2", "--threads", "4", "--need-app", "--disable-logging"),
        # SIGTERM asks each worker to finish; without these it cuts off what is in flight.
        *("--hook-master-start", "unix_signal:15 gracefully_kill_them_all"),
        *("--worker-reload-mercy", "60"),
    ),
}

#: Pools of a Celery worker.
POOLS = ("prefork", "threads", "solo", "gevent")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One way to run the site. The rest of it is the same everywhere."""

    name: str
    database: str = "PostgreSQL"
    #: How users' requests are served.
    web: str = "gunicorn sync"
    #: Who maintains: a Celery pool, `eager` (in the web server), or `command` (as cron does).
    worker: str = "threads"
    broker: str = "Redis"
    #: What Django's settings have besides the plain ones.
    settings: dict[str, Any] = field(default_factory=dict)
    #: What the database's own settings have besides the address.
    options: dict[str, Any] = field(default_factory=dict)
    #: In whose tables users live; nothing where there is just one place.
    place: str = ""
    #: Whether a page whose transaction is open can have a second database connection.
    has_spare_connection: bool = True
    #: Whether eight requests at once may find no connection left, and are then to be made again.
    may_be_busy: bool = False
    #: Seconds that the clock of each worker differs; one worker for each.
    clocks: tuple[int, ...] = (0,)
    #: Whether it hears of changes: `actionstep_connect.hooks`, and handlers that note.
    hears: bool = False

    @property
    def row(self) -> str:
        """Its row in the table of docs/operations.md."""
        worker = _MAINTENANCE.get(self.worker, f"Celery, `{self.worker}`")
        broker = self.broker if self.worker in POOLS else "none"
        database = _DATABASES.get(self.database, self.database)
        return f"| {self.name} | {database} | {self.web} | {worker} | {broker} |"


_MAINTENANCE = {
    "eager": "`CELERY_TASK_ALWAYS_EAGER`, in the web server",
    "command": "`actionstep_maintain`, as cron runs it",
}
_DATABASES = {
    "PgBouncer": "PostgreSQL behind PgBouncer, five connections",
    "tenants": "PostgreSQL, a schema for each tenant",
    "two": "PostgreSQL, a database for each place",
    "replica": "PostgreSQL with a replica two seconds behind",
}

POOL_OF_ONE = {"pool": {"min_size": 1, "max_size": 1, "timeout": 10}}
POOL = {"pool": {"min_size": 1, "max_size": 4, "timeout": 10}}

DEPLOYMENTS = (
    Deployment(name="plain", web="gunicorn gthread", worker="prefork"),
    Deployment(name="psycopg's pool", web="gunicorn gthread", options=POOL),
    Deployment(
        name="psycopg's pool of one",
        worker="solo",
        options=POOL_OF_ONE,
        has_spare_connection=False,
    ),
    Deployment(
        name="PgBouncer in transaction mode",
        database="PgBouncer",
        web="gunicorn gthread",
        worker="prefork",
        broker="RabbitMQ",
        options={"prepare_threshold": None},
        settings={"ATOMIC_REQUESTS": True},
        may_be_busy=True,
    ),
    Deployment(name="django-tenants, app in TENANT_APPS", database="tenants", place="acme"),
    Deployment(
        name="django-tenants, app in both",
        database="tenants",
        place="acme",
        worker="prefork",
        settings={"SHARED_TOO": True},
    ),
    Deployment(
        name="a router by context variable",
        database="two",
        place="acme",
        worker="threads",
        settings={"DATABASE_ROUTERS": ["tests.deployments.site.places.ContextRouter"]},
    ),
    Deployment(
        name="a lagging replica",
        database="replica",
        worker="command",
        settings={"DATABASE_ROUTERS": ["tests.deployments.site.places.ReplicaRouter"]},
    ),
    Deployment(
        name="ATOMIC_REQUESTS, eager tasks",
        worker="eager",
        web="gunicorn gthread",
        settings={"ATOMIC_REQUESTS": True, "CELERY_TASK_ALWAYS_EAGER": True},
    ),
    # Number 4 of psycopg's isolation levels.
    Deployment(name="SERIALIZABLE", worker="prefork", options={"isolation_level": 4}),
    Deployment(
        name="MariaDB, users by string",
        database="MariaDB",
        web="uWSGI",
        worker="prefork",
        settings={"AUTH_USER_MODEL": "people.StringUser"},
    ),
    Deployment(
        name="gevent, users by UUID",
        web="gunicorn gevent",
        worker="gevent",
        settings={"AUTH_USER_MODEL": "people.UuidUser"},
    ),
    Deployment(
        name="uvicorn, users by e-mail",
        web="uvicorn",
        worker="solo",
        broker="RabbitMQ",
        settings={"AUTH_USER_MODEL": "people.EmailUser"},
    ),
    Deployment(name="gevent on RabbitMQ", web="uWSGI", worker="gevent", broker="RabbitMQ"),
    Deployment(name="threads on RabbitMQ", worker="threads", broker="RabbitMQ"),
    Deployment(name="clocks that differ", worker="threads", clocks=(90, -90)),
)
