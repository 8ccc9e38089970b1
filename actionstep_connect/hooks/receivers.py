"""What this app is told of by the other one."""

from typing import Any

from django.dispatch import receiver

from actionstep_connect.hooks.flows.organisations import note_organisation
from actionstep_connect.models import Connection
from actionstep_connect.signals import connection_established


@receiver(connection_established)
def _note_organisation(connection: Connection, **_: Any) -> None:
    note_organisation(connection)
