"""What a site imports: `on_change` for its handlers, and subscribing at run time."""

from actionstep_connect.hooks.flows.subscribe import subscribe, unsubscribe
from actionstep_connect.hooks.registry import Change, on_change

__all__ = ["Change", "on_change", "subscribe", "unsubscribe"]
