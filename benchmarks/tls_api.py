"""An API over TLS that keeps its connections open and counts them: `python -m benchmarks.tls_api FOLDER`."""

import asyncio
import ssl
import sys
from pathlib import Path

_opened = 0


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global _opened  # noqa: PLW0603 - the one counter of this process.
    _opened += 1
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"/pause" in head:
                await asyncio.sleep(0.02)
            body = b'{"actions": {"id": %d}}' % _opened
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    except (asyncio.IncompleteReadError, OSError):
        writer.transport.abort()


async def _main(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
