"""``manage.py demo``: the main job on one machine, with the sandbox in place of Actionstep."""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from example_project.demo import processes, stage
from example_project.demo.addresses import Addresses, is_free
from example_project.settings import BASE_DIR, DEMO_DIR

TOKEN_SECONDS = 120
MAINTENANCE_SECONDS = 15
SMOKE_TOKEN_SECONDS = 3600  # As Actionstep's own; the story lets the hour pass in a moment.
SMOKE_MAINTENANCE_SECONDS = 5
STORY = "story"


class Command(BaseCommand):
    """Run the example site, a Celery worker with beat, and the sandbox in one terminal."""

    help = (
        "Run the example site, a Celery worker with beat, and the sandbox that stands in for "
        "Actionstep. Ctrl-C stops them all. Everything is kept under .demo/."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the ports and the smoke mode."""
        parser.add_argument("--site-port", type=int, default=8800)
        parser.add_argument("--sandbox-port", type=int, default=8801)
        parser.add_argument(
            "--smoke",
            action="store_true",
            help="play the whole story without a browser, and end: 0, or 1 and what failed",
        )

    def handle(self, *, site_port: int, sandbox_port: int, smoke: bool, **_options: Any) -> None:
        """Check the ports, set the stage, and run until Ctrl-C or the end of the story."""
        folder = DEMO_DIR
        if smoke:
            folder /= f"smoke-{site_port}"
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        addresses = Addresses(site_port, sandbox_port, folder)
        _check_ports(addresses)
        maintenance = SMOKE_MAINTENANCE_SECONDS if smoke else MAINTENANCE_SECONDS
        env = _environment(addresses, maintenance_seconds=maintenance)
        if subprocess.run([sys.executable, "-m", stage.__name__], env=env, check=False).returncode:
            raise CommandError("The demo's database could not be prepared; see above.")
        code = _play(addresses, env) if smoke else self._show(addresses, env)
        if code:
            sys.exit(code)

    def _show(self, addresses: Addresses, env: dict[str, str]) -> int:
        people = " or ".join((*stage.USERS, stage.ADMIN))
        self.stdout.write(
            f"""
  The example site   {addresses.site}/
                     sign in as {people}, password: {stage.PASSWORD}
  Its Django admin   {addresses.site}/admin/
                     sign in as {stage.ADMIN}, password: {stage.PASSWORD}
  The sandbox        {addresses.sandbox}/
                     stands in for Actionstep; its sign-in page lists the ready users

  Access tokens live {TOKEN_SECONDS} seconds here: watch the worker refresh them.
  Ctrl-C stops everything. What is kept is in {addresses.folder}.
"""
        )
        started = processes.commands(addresses, token_seconds=TOKEN_SECONDS)
        code = processes.run(started, env)
        return 0 if code in processes.STOPPED_BY_SIGNAL else code


def _environment(addresses: Addresses, *, maintenance_seconds: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACTIONSTEP_")}
    return {
        **kept,
        **addresses.environment(maintenance_seconds=maintenance_seconds),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(BASE_DIR), kept.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }


def _check_ports(addresses: Addresses) -> None:
    if addresses.site_port == addresses.sandbox_port:
        raise CommandError("The site and the sandbox need a port each.")
    for option, port in (
        ("--site-port", addresses.site_port),
        ("--sandbox-port", addresses.sandbox_port),
    ):
        if not is_free(port):
            raise CommandError(
                f"Port {port} is in use by another program. Choose another: "
                f"manage.py demo {option} {port + 100}"
            )


def _play(addresses: Addresses, env: dict[str, str]) -> int:
    logs = addresses.folder / "logs"
    logs.mkdir()
    started = processes.commands(addresses, token_seconds=SMOKE_TOKEN_SECONDS)
    started[STORY] = [
        *(sys.executable, "-m", "example_project.demo.story"),
        *(addresses.site, addresses.sandbox, str(logs)),
    ]
    printer = processes.StoryPrinter(shown=STORY, logs=logs)
    code = processes.run(started, env, printer)
    culprit = printer.first_stopped
    if culprit != STORY and code not in processes.STOPPED_BY_SIGNAL:
        sys.stdout.write(f"FAILED: the {culprit} ended unexpectedly.\n")
        sys.stdout.write(processes.tail(logs, culprit) + "\n")
        return 1
    return code
