"""What a test tells the sandbox's token endpoint to do, and asks it about afterwards; its process."""

from typing import Any

import psutil

from actionstep_connect.testing import Sandbox


def fault(sandbox: Sandbox, kind: str, **more: Any) -> None:
    """Have the token endpoint answer with this fault, once or as `more` says."""
    sandbox.post("sandbox/faults", endpoint="token", fault=kind, **more)


def requests(sandbox: Sandbox) -> int:
    """Return how many refresh requests the token endpoint has had."""
    counters = sandbox.get("sandbox/state")["counters"]
    return int(counters["token_requests"]["refresh_token"])


def presented_twice(sandbox: Sandbox) -> int:
    """Return how many refresh tokens were sent more than once."""
    return int(sandbox.get("sandbox/state")["counters"]["refresh_tokens_presented_twice"])


def process_of(sandbox: Sandbox) -> psutil.Process:
    """Return the process that listens at the sandbox's address."""
    port = int(sandbox.host.rpartition(":")[2])
    for child in psutil.Process().children(recursive=True):
        try:
            connections = child.net_connections("tcp")
        except psutil.Error:  # It has ended.
            continue
        if any(each.laddr.port == port and each.status == "LISTEN" for each in connections):
            return child
    raise AssertionError("No process listens there.")
