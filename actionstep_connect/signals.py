"""Signals that flows send once a change is stored; receivers never undo one.

Each is sent from the class ``Connection`` with ``connection``, the ``Connection`` as it is after the
change, and ``event``, the ``ConnectionEvent`` that was stored with the change. They are sent robustly:
a receiver that raises is logged and the next one runs.

Each is sent at least once. Where a process dies while it sends one, the next run of maintenance sends
it again: ``event.pk`` is then the same.
"""

from django.dispatch import Signal

#: A user connected or reconnected. Also carries ``created``: whether the connection is new.
connection_established: Signal = Signal()
#: The refresh token nears its limit although refreshing was tried.
connection_flagged: Signal = Signal()
#: A refresh succeeded after failures or a flag.
connection_recovered: Signal = Signal()
#: Only the user can bring the connection back. Also carries ``suspected_site_fault``: whether Actionstep
#: refused so many connections in a row that the cause is more likely the site's than the user's.
reconnect_required: Signal = Signal()
#: The user or an admin disconnected.
connection_ended: Signal = Signal()
