"""The pages that end-users meet, and the one for machines."""

from actionstep_connect.views.callback import callback
from actionstep_connect.views.connect import connect
from actionstep_connect.views.connections import connections
from actionstep_connect.views.disconnect import disconnect
from actionstep_connect.views.health import health

__all__ = ["callback", "connect", "connections", "disconnect", "health"]
