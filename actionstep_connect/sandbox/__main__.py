"""Run the sandbox: ``python -m actionstep_connect.sandbox --port 8801``."""

import errno
import os
import signal
import sys
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path

import django
from django.apps import apps
from django.db import connection
from django.utils.module_loading import import_string

from actionstep_connect.sandbox import options
from actionstep_connect.sandbox.server import SandboxServer


def main() -> int:
    arguments = _parser().parse_args()
    try:
        chosen = options.from_arguments(arguments)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: sys.exit(0))
    with ExitStack() as at_exit:
        try:
            server = at_exit.enter_context(SandboxServer(arguments.port))
        except (OSError, OverflowError) as error:
            return _explain_bind_failure(arguments.port, error)
        database = arguments.database or Path(
            at_exit.enter_context(tempfile.TemporaryDirectory(prefix="actionstep-sandbox-"))
        ).joinpath("sandbox.sqlite3")
        _set_up_django(database)
        # By its path: models can be imported only once Django is set up.
        serve = import_string("actionstep_connect.sandbox.process.serve")
        serve(server, chosen, verbose=arguments.verbose)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m actionstep_connect.sandbox",
        description="Play Actionstep on this machine: OAuth pages, token endpoint and REST API.",
    )
    parser.add_argument("--port", type=int, default=8801, help="0 picks a free one (default: 8801)")
    parser.add_argument(
        "--database", type=Path, help="SQLite file to keep; default: a temporary one"
    )
    parser.add_argument("--verbose", action="store_true", help="print a line for each request")
    options.add_arguments(parser)
    return parser


def _explain_bind_failure(port: int, error: Exception) -> int:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        problem = f"Port {port} is in use."
    else:
        problem = f"Port {port} cannot be used: {error}."
    sys.stderr.write(f"{problem} Choose another one with --port.\n")
    return 1


def _set_up_django(database: Path) -> None:
    # Set outright: the environment may carry the settings of a site.
    os.environ["DJANGO_SETTINGS_MODULE"] = "actionstep_connect.sandbox.settings"
    os.environ["ACTIONSTEP_SANDBOX_DATABASE"] = str(database)
    # Authlib refuses plain http otherwise; this process listens on loopback only.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    _make_tables()


def _make_tables() -> None:
    """Make what is missing; a sandbox has no migrations, and `migrate` takes its time."""
    existing = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for model in apps.get_models():
            if model._meta.db_table not in existing:
                editor.create_model(model)


if __name__ == "__main__":
    sys.exit(main())
