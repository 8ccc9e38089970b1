"""What is kept: connections, their audit trail, connect flows under way, heartbeats, hours."""

from actionstep_connect.models.authorization_request import AuthorizationRequest
from actionstep_connect.models.connection import Connection
from actionstep_connect.models.event import ConnectionEvent, EventKind
from actionstep_connect.models.heartbeat import Heartbeat
from actionstep_connect.models.refresh_hour import RefreshHour
from actionstep_connect.models.run_summary import StoppedBy
from actionstep_connect.models.status import Status, StatusReason

__all__ = [
    "AuthorizationRequest",
    "Connection",
    "ConnectionEvent",
    "EventKind",
    "Heartbeat",
    "RefreshHour",
    "Status",
    "StatusReason",
    "StoppedBy",
]
