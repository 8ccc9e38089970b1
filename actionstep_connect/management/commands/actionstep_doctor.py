"""`manage.py actionstep_doctor`: what is wrong with this site's connections, and what to do."""

import json
from collections.abc import Iterator
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandParser

from actionstep_connect.flows.examine import Finding, Verdict, examine


class Command(BaseCommand):
    """Examine settings, keys, endpoints, credentials, broker, maintenance and connections."""

    help = (
        "Say what is wrong with this site's connections to Actionstep, and what to do. Spends "
        "nothing, shows no secret. Exit code 1 if something is broken."
    )
    requires_system_checks = ()  # It says itself what is wrong with the settings.

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --json."""
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print JSON, for monitoring"
        )

    def handle(self, *_args: Any, as_json: bool, **_options: Any) -> None:
        """Examine; exit with 1 if any part is an error. Warnings leave it at 0."""
        findings = list(examine(_broker()))
        healthy = all(finding.verdict is not Verdict.ERROR for finding in findings)
        if as_json:
            report = {"ok": healthy, "findings": [finding.as_dict() for finding in findings]}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for finding in findings:
                self._say(finding)
        if not healthy:
            raise SystemExit(1)

    def _say(self, finding: Finding) -> None:
        style = {
            Verdict.OK: self.style.SUCCESS,
            Verdict.WARNING: self.style.WARNING,
            Verdict.ERROR: self.style.ERROR,
        }[finding.verdict]
        self.stdout.write(f"{style(f'{finding.verdict.value:7}')} {finding.part}: {finding.text}")
        if finding.what_to_do:
            self.stdout.write(f"        → {finding.what_to_do}")


def _broker() -> Iterator[Finding]:
    # An address without its password: `as_uri()` hides it.
    try:
        with current_app.connection_for_write(connect_timeout=5) as connection:
            address = connection.as_uri()
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
    except Exception as error:  # noqa: BLE001 - each transport has exceptions of its own.
        yield Finding(
            part="broker",
            verdict=Verdict.WARNING,
            text=f"It cannot be reached ({type(error).__name__}).",
            what_to_do="Start it, or correct the broker's address. With cron instead of Celery, ignore this.",
        )
    else:
        yield Finding(part="broker", verdict=Verdict.OK, text=f"{address} answers.")
