"""The four pages that end-users meet, and the one for machines."""

from actionstep_connect.views.arrival import callback
from actionstep_connect.views.ending import disconnect
from actionstep_connect.views.health import health
from actionstep_connect.views.overview import connections
from actionstep_connect.views.start import connect

__all__ = ["callback", "connect", "connections", "disconnect", "health"]
