"""What is kept: connections, their audit trail, connect flows under way, heartbeats, hours."""

from actionstep_connect.models.authorization_request import AuthorizationRequest
from actionstep_connect.models.connection import Connection, Status, StatusReason
from actionstep_connect.models.event import ConnectionEvent, EventKind
from actionstep_connect.models.heartbeat import Heartbeat, StoppedBy
from actionstep_connect.models.refresh_hour import RefreshHour

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
