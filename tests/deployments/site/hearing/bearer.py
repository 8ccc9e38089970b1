"""As whom the hooks are registered."""

from actionstep_connect.models import Connection


def bearer(orgkey: str) -> Connection | None:
    """Return the organisation's oldest connection."""
    return Connection.objects.usable().filter(orgkey=orgkey).order_by("connected_at").first()
