"""The receiver in a process of its own behind a real nginx, with the site's view to stand in for it."""

import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.hooks.models import Notification
from tests.deployments.running import Process
from tests.deployments.servers import wait_for_port
from tests.support.documents import lines_for
from tests.support.free_port import free_ports
from tests.support.hooks import RECEIVER, body_of, subscribed
from tests.support.receiver_process import Conversation, running_receiver, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


@contextmanager
def running_nginx(folder: Path, receiver: int, site: int) -> Generator[int]:
    """Run nginx with the lines of the documentation, and give its port."""
    (port,) = free_ports(1)
    lines = lines_for("nginx.conf", "docs/hooks.md")
    for written, real in (
        *((":8001", f":{receiver}"), (":8000", f":{site}")),
        ("server {\n", f"server {{\n    listen 127.0.0.1:{port};\n"),
        ("/var/log/nginx", str(folder)),
    ):
        assert written in lines
        lines = lines.replace(written, real)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, documented=lines))
    command = ["nginx", "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    process = Process("nginx", command, {**os.environ, "PATH": path}, folder / "nginx.log")
    try:
        wait_for_port(port)
        yield port
    finally:
        process.stop()


def test_a_crash_of_the_process_costs_no_call(live_server: LiveServer, tmp_path: Path) -> None:
    """Killed amid calls, and away for a while: the site's view takes over, and each call gets 200."""
    _, secret = subscribed("ActionUpdated")
    (receiver_port,) = free_ports(1)
    site_port = int(live_server.url.rpartition(":")[2])

    def call(number: int) -> int:
        conversation = Conversation(port)
        length = f"Content-Length: {len(body_of(number))}"
        conversation.begin(f"{RECEIVER}{secret.reveal()}/", length)
        conversation.send(body_of(number))
        return conversation.answer()[0]

    with running_nginx(tmp_path, receiver_port, site_port) as port:
        folder = tmp_path / "receiver"
        folder.mkdir()
        with (
            running_receiver(folder, port=receiver_port) as receiver,
            ThreadPoolExecutor(8) as callers,
        ):
            statuses = callers.map(call, range(600))
            wait_for(lambda: Notification.objects.count() >= 100)
            receiver.process.kill()
            assert list(statuses) == [200] * 600
            assert receiver.process.log.read_text().count("POST") >= 50
    assert Notification.objects.count() == 600
    assert secret.reveal() not in (tmp_path / "error.log").read_text()
    assert secret.reveal() not in (tmp_path / "nginx.log").read_text()
