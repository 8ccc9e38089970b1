"""The Django admin: who is connected, until when, what went wrong, and whom to help. No tokens."""

from actionstep_connect.admin.connection import ConnectionAdmin
from actionstep_connect.admin.event import ConnectionEventAdmin
from actionstep_connect.admin.heartbeat import HeartbeatAdmin

__all__ = ["ConnectionAdmin", "ConnectionEventAdmin", "HeartbeatAdmin"]
