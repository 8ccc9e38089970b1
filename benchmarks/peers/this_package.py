"""Refresh what is due, as `maintain_connections` does."""

import os

import django
from django.core.management import call_command

from benchmarks.token_endpoint import TokenEndpoint

django.setup()

from actionstep_connect.flows.refresh import refresh_due  # noqa: E402 - models need the app registry.
from benchmarks.fleet import fill  # noqa: E402 - as above.
from benchmarks.peers.figures import measure  # noqa: E402 - as above.

COUNT = int(os.environ["BENCHMARK_COUNT"])
ENDPOINT = TokenEndpoint(os.environ["BENCHMARK_TOKEN_URL"].removesuffix("/token"))


def start_again() -> None:
    """Let the endpoint forget what it gave, and store what is due."""
    ENDPOINT.set(reset=True, latency=0.2)
    fill(COUNT)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    measure(COUNT, start_again, lambda: refresh_due().refreshed)
