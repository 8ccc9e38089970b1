"""`manage.py actionstep_doctor`: what is wrong with this site's connections, and what to do."""

import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from actionstep_connect.flows.doctor import Finding, run_checks
from actionstep_connect.management.broker import check_celery
from actionstep_connect.models.severity import Severity


class Command(BaseCommand):
    """Check settings, keys, endpoints, credentials, broker, maintenance and connections."""

    help = (
        "Report what is wrong with this site's connections to Actionstep, and what to do. It changes "
        "nothing and shows no secret. Exit code 1 if something is broken."
    )
    requires_system_checks = ()  # It reports itself what is wrong with the settings.

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --json."""
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print JSON, for monitoring"
        )

    def handle(self, *_args: Any, as_json: bool, **_options: Any) -> None:
        """Run the checks; exit with 1 if any part is an error. Warnings leave it at 0."""
        found: Counter[Severity] = Counter()
        findings = []
        for finding in run_checks(broker=check_celery):
            found[finding.severity] += 1
            findings.append(finding.as_dict())
            if not as_json:  # At once, because an endpoint that is down takes its time.
                self._print(finding)
        if as_json:
            report = {"ok": not found[Severity.ERROR], "findings": findings}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self._conclude(found)
        if found[Severity.ERROR]:
            raise SystemExit(1)

    def _print(self, finding: Finding) -> None:
        style = {
            Severity.OK: self.style.SUCCESS,
            Severity.WARNING: self.style.WARNING,
            Severity.ERROR: self.style.ERROR,
        }[finding.severity]
        self.stdout.write(f"{style(f'{finding.severity.label:7}')} {finding.part}: {finding.text}")
        if finding.hint:
            self.stdout.write(f"        → {finding.hint}")

    def _conclude(self, found: Counter[Severity]) -> None:
        errors, warnings = found[Severity.ERROR], found[Severity.WARNING]
        if errors or warnings:
            self.stdout.write(f"\nErrors: {errors}. Warnings: {warnings}.")
        else:
            self.stdout.write("\nEverything is in order.")
