"""`manage.py actionstep_compare`: does Actionstep answer as the sandbox does?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from actionstep_connect.api import ActionstepClient
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.management.comparison import facts
from actionstep_connect.management.comparison.compare import compare
from actionstep_connect.management.comparison.report import report
from actionstep_connect.models import Connection
from actionstep_connect.users import user_called


class Command(BaseCommand):
    """Read one page of each resource, and print where its shape is not as the sandbox has it."""

    help = (
        "Compare Actionstep's answers with the sandbox's facts, as one connected user. Reads one "
        "page of each resource that the connection's scopes reach, changes nothing, and prints "
        "names and types, never a value: the report can be pasted into an issue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --user and --orgkey."""
        parser.add_argument("--user", required=True, help="whose connection reads: their user name")
        parser.add_argument("--orgkey", help="their organisation, if they have several")

    def handle(self, *_args: Any, user: str, orgkey: str | None, **_options: Any) -> None:
        """Compare; differences are no failure, so the exit code is 0."""
        connection = self._connection(user, orgkey)
        described = facts.within(connection.granted_scopes, facts.resources())
        if not described:
            raise CommandError(
                "The connection's scopes reach no resource that is described. Reconnect with "
                "more of them."
            )
        try:
            with ActionstepClient(connection) as client:
                for line in report(compare(client, described)):
                    self.stdout.write(line)
        except ActionstepConnectError as error:
            raise CommandError(str(error)) from None

    def _connection(self, name: str, orgkey: str | None) -> Connection:
        user = user_called(name)
        if user is None:
            raise CommandError(f"There is no user {name!r}.")
        try:
            return Connection.objects.get_for_user(user, orgkey=orgkey)
        except ActionstepConnectError as error:
            raise CommandError(str(error)) from None
