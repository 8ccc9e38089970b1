"""Serve until told to stop. Imported once Django is set up."""

import signal
import sys
import threading

from django.core.wsgi import get_wsgi_application
from django.db import connection

from actionstep_connect.sandbox.hooks.calls import calls
from actionstep_connect.sandbox.options import Options
from actionstep_connect.sandbox.practice.firms import open_firms
from actionstep_connect.sandbox.practice.people import MEMBERS, PASSWORD
from actionstep_connect.sandbox.rest.uploads import forget_deleted
from actionstep_connect.sandbox.server import HOST, SandboxServer
from actionstep_connect.sandbox.store import store
from actionstep_connect.sandbox.switchboard import switchboard
from actionstep_connect.sandbox.tokens import signing_key

POLL_SECONDS = 0.05
HANG_UP_SECONDS = 0.5


def serve(server: SandboxServer, options: Options, *, verbose: bool) -> None:
    base_url = f"http://{HOST}:{server.server_port}/"
    switchboard.configure(options=options, base_url=base_url, verbose=verbose)
    open_firms()
    store.listeners += [forget_deleted, calls.notify]
    signing_key()
    server.set_app(get_wsgi_application())
    connection.close()
    _stop_on_signals(server)
    _announce(base_url, options)
    server.serve_forever(poll_interval=POLL_SECONDS)
    server.hang_up(within=HANG_UP_SECONDS)


def _stop_on_signals(server: SandboxServer) -> None:
    def stop(*_: object) -> None:
        switchboard.stopping.set()
        # `shutdown` waits for the loop, which this very thread is running.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _announce(base_url: str, options: Options) -> None:
    redirect_uris = " ".join(options.redirect_uris)
    lines = [
        f"Sandbox ready at {base_url}",
        f"Client id: {options.client_id}",
        f"Redirect URIs: {redirect_uris or 'any http:// address on 127.0.0.1 or localhost'}",
        *(f"User: {one.username} ({one.name}, {one.description})" for one in MEMBERS),
        f"Password of each user: {PASSWORD}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
