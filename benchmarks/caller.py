"""Calls a receiver as Actionstep does: `python -m benchmarks.caller PORT PATH CALLS RATE`, 0 for any rate.

Prints the seconds from first to last, and of each call from when it was due until its answer.
"""

import asyncio
import json
import sys
import time

CONNECTIONS = 16
ROWS = 500


def _request(path: str, number: int) -> bytes:
    row = {
        "type": "actions",
        "id": str(number % ROWS),
        "attributes": {f"member{each}": f"value {number} {each}" for each in range(25)},
        "relationships": {},
    }
    body = json.dumps({"jsonapi": {"version": "1.0"}, "data": row, "meta": {}}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/vnd.api+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def call(port: int, path: str, calls: int, rate: float) -> tuple[float, list[float]]:
    """Make so many calls, `rate` a second, over connections that are kept open."""
    requests = [_request(path, number) for number in range(calls)]
    waiting, delays = iter(enumerate(requests)), []
    begun = time.perf_counter()

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in waiting:
            due = begun + number / rate if rate else time.perf_counter()
            await asyncio.sleep(max(0, due - time.perf_counter()))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            delays.append(time.perf_counter() - due)
            if b"connection: close" in head.lower():
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return time.perf_counter() - begun, delays


if __name__ == "__main__":
    port, path, calls, rate = sys.argv[1:]
    print(json.dumps(asyncio.run(call(int(port), path, int(calls), float(rate)))))
