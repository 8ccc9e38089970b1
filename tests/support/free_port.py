"""Ports for servers that must be told theirs."""

import socket


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens at; all are held until all are known."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
