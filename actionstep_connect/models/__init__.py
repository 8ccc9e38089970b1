"""What is kept: connections, their audit trail, connect flows under way, heartbeats."""

from actionstep_connect.models.authorization_request import AuthorizationRequest
from actionstep_connect.models.connection import Connection, Status, StatusReason
from actionstep_connect.models.event import ConnectionEvent, EventKind
from actionstep_connect.models.heartbeat import Heartbeat

__all__ = [
    "AuthorizationRequest",
    "Connection",
    "ConnectionEvent",
    "EventKind",
    "Heartbeat",
    "Status",
    "StatusReason",
]
