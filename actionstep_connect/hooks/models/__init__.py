"""What is kept: organisations and their bearers, subscriptions, addresses, and notifications."""

from actionstep_connect.hooks.models.notification import Notification, State
from actionstep_connect.hooks.models.organisation import Organisation, Search
from actionstep_connect.hooks.models.subscription import Address, Registration, Subscription

__all__ = [
    "Address",
    "Notification",
    "Organisation",
    "Registration",
    "Search",
    "State",
    "Subscription",
]
