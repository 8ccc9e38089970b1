"""E-mail: where NOTIFY_USERS is on, a connection that needs its user asks for a reminder."""

from typing import Any

from django.dispatch import receiver

from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import NotReminded
from actionstep_connect.flows.remind import log_not_reminded, remind
from actionstep_connect.models import Connection
from actionstep_connect.signals import connection_flagged, reconnect_required


@receiver([connection_flagged, reconnect_required], sender=Connection)
def ask_for_reminder(
    *, connection: Connection, suspected_site_fault: bool = False, **_: Any
) -> None:
    """Queue one reminder for the cause that the signal tells of.

    Not where Actionstep refused many connections in a row: if the site is at fault, it cannot be fixed by
    reconnecting.
    """
    if not get_config().notify_users or suspected_site_fault:
        return
    try:
        remind(connection)
    except NotReminded as error:
        log_not_reminded(connection, error)
