"""The measuring process: figures as a table on standard error, as JSON lines on standard output."""

import json
import sys

import django
from django.core.management import call_command

from benchmarks.token_endpoint import TokenEndpoint

django.setup()

import actionstep_connect.tasks  # noqa: E402, F401 - as in a worker, what a refresh needs is loaded.
from benchmarks.measures import MEASURES  # noqa: E402 - models need the app registry.


def main(url: str, only: str) -> None:
    """Run the measures against the token endpoint at `url`."""
    call_command("migrate", verbosity=0)
    for measure in MEASURES:
        if only not in measure.__name__:
            continue
        for figure in measure(TokenEndpoint(url)):
            sign = "≥" if figure.sense == "min" else "≤"
            print(
                f"{'ok  ' if figure.ok else 'MISS'} {figure.name:<62} "
                f"{figure.value:10.2f} {figure.unit:<4} ({sign} {figure.reach:g})",
                file=sys.stderr,
                flush=True,
            )
            members = {
                "name": figure.name,
                "value": round(figure.value, 4),
                "unit": figure.unit,
                "reach": f"{sign} {figure.reach:g}",
                "ok": figure.ok,
            }
            print(json.dumps(members), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
