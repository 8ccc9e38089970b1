"""Marking each session when its user signs in, so that signing out ends what was begun in it."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from actionstep_connect.flows.attempts import mark_session


@receiver(user_logged_in)
def mark_signed_in_session(*, request: HttpRequest | None, **_: Any) -> None:
    """Put a marker into the session, unless the user signed in without one, as API tokens do."""
    session = getattr(request, "session", None)
    if session is not None and SESSION_KEY in session:
        mark_session(session)
