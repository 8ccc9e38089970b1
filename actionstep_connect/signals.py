"""Signals that flows send once a change is stored; receivers never undo one.

Each is sent with ``connection``, the ``Connection`` as it is after the change, and from the class
``Connection``. They are sent robustly: a receiver that raises is logged and the next one runs.
"""

from django.dispatch import Signal

#: A user connected or reconnected. Also carries ``created``: whether the connection is new.
connection_established = Signal()
#: The refresh token nears its limit although refreshing was tried.
connection_flagged = Signal()
#: A refresh succeeded after failures or a flag.
connection_recovered = Signal()
#: Only the user can bring the connection back. Also carries ``fleet_wide``: whether Actionstep
#: refused so many connections in a row that the cause is more likely the site's than the user's.
reconnect_required = Signal()
#: The user or an admin disconnected.
connection_ended = Signal()
