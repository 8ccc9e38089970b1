"""`manage.py actionstep_doctor`: what is wrong with this site's connections, and what to do."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandParser

from actionstep_connect.flows.examine import Finding, Verdict, examine, ok, warning

BROKER_PATIENCE = 5  # seconds


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
        found: Counter[Verdict] = Counter()
        findings = []
        for finding in examine(broker=_broker):
            found[finding.verdict] += 1
            findings.append(finding.as_dict())
            if not as_json:  # At once, for an endpoint that is away takes its time.
                self._say(finding)
        if as_json:
            report = {"ok": not found[Verdict.ERROR], "findings": findings}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self._conclude(found)
        if found[Verdict.ERROR]:
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

    def _conclude(self, found: Counter[Verdict]) -> None:
        errors, warnings = found[Verdict.ERROR], found[Verdict.WARNING]
        if errors or warnings:
            self.stdout.write(f"\nErrors: {errors}. Warnings: {warnings}.")
        else:
            self.stdout.write("\nEverything is in order.")


def _broker() -> Iterator[Finding]:
    if not current_app.conf.broker_url:  # Celery would try a broker on this machine.
        yield warning(
            "broker",
            "This process knows no Celery broker: your Celery app is not loaded, or has none.",
            "Import it in your project's __init__.py, as Celery's guide to Django has it. "
            "With cron instead of Celery, ignore this.",
        )
        return
    # Its address without the password: `as_uri()` hides that.
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_PATIENCE) as connection:
            address = connection.as_uri().replace("://:**@", "://")
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_PATIENCE)
    except Exception as error:  # noqa: BLE001 - each transport has exceptions of its own.
        yield warning(
            "broker",
            f"Celery's broker cannot be reached ({type(error).__name__}).",
            "Start it, or correct its address. With cron instead of Celery, ignore this.",
        )
    else:
        yield ok("broker", f"{address} answers.")
