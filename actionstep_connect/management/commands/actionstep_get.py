"""`manage.py actionstep_get actions/7 --user priya`: a first look at what Actionstep answers."""

import json
from typing import Any

import httpx2
from django.core.management.base import BaseCommand, CommandError, CommandParser

from actionstep_connect.client import ActionstepClient
from actionstep_connect.client.refusals import json_of
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.models import Connection
from actionstep_connect.users import user_called


class Command(BaseCommand):
    """Print the answer to one GET, as JSON. Actionstep logs the request against that user."""

    help = "Ask Actionstep's API as one user, and print the answer."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to ask, and as whom."""
        parser.add_argument("resource", help="such as actions/7 or 'timerecords?pageSize=3'")
        parser.add_argument("--user", required=True, help="the user name of a connected user")
        parser.add_argument("--orgkey", help="which organisation, if the user has several")

    def handle(self, *_args: Any, resource: str, user: str, orgkey: str | None, **_: Any) -> None:
        """Ask and print."""
        person = user_called(user)
        if person is None:
            raise CommandError(f"There is no user {user!r}: give the user name of one.")
        try:
            connection = Connection.objects.get_for_user(person, orgkey)
            with ActionstepClient(connection) as actionstep:
                response = actionstep.get(resource)
        except ActionstepConnectError as error:
            raise CommandError(str(error)) from None
        except httpx2.HTTPError as error:
            raise CommandError(f"No answer came ({type(error).__name__}).") from None
        if not response.content:
            self.stderr.write(f"{response.status_code}: no rows.")
            return
        found = json_of(response)
        if found is None:
            kind = response.headers.get("Content-Type", "nothing")[:80]
            raise CommandError(
                f"The answer ({response.status_code}) is not JSON: it says {kind!a}."
            )
        self.stdout.write(_printable(json.dumps(found, indent=2, ensure_ascii=False)))


def _printable(text: str) -> str:
    """Return JSON in which nothing tells a terminal what to do, or turns a line round."""
    return "".join(
        each if each == "\n" or each.isprintable() else json.dumps(each)[1:-1] for each in text
    )
