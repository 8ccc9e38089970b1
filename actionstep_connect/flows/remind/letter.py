"""The e-mail itself: three templates that a site may replace, in the site's language."""

from datetime import datetime
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation

from actionstep_connect.conf import get_config, get_django_settings
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import NotReminded
from actionstep_connect.links import absolute_url, connect_url, page_url, site_url
from actionstep_connect.models import Connection
from actionstep_connect.models.condition import condition_of
from actionstep_connect.users import email_of
from actionstep_connect.wording.states import state_of

TEMPLATES = "actionstep_connect/email/reminder"


def check_remindable(connection: Connection, *, now: datetime) -> None:
    """Raise NotReminded if `connection` does not need its user, or no e-mail can reach them."""
    if connection.environment != get_config().environment:
        raise NotReminded(
            f"This connection belongs to the environment {connection.environment!r}.",
            code=ErrorCode.OTHER_ENVIRONMENT,
        )
    if not connection.user.is_active:
        raise NotReminded("This connection's user is not active.", code=ErrorCode.INACTIVE_USER)
    if not condition_of(connection, now=now, config=get_config()).needs_user:
        raise NotReminded("This connection does not need its user.", code=ErrorCode.NOT_NEEDED)
    if not _address(connection):
        raise NotReminded(
            "This connection's user has no usable e-mail address.", code=ErrorCode.NO_ADDRESS
        )
    try:
        site_url()
    except ImproperlyConfigured as error:
        raise NotReminded(str(error), code=ErrorCode.NO_SITE_URL) from error


def compose(connection: Connection, *, now: datetime) -> EmailMultiAlternatives:
    """Write the e-mail about how `connection` is now. Raises NotReminded.

    The templates know `user`, `connection`, `state` (`label`, `hint`, `is_usable`), `site` (its host),
    `limit` (the refresh token's, while that lies ahead), and the absolute addresses `reconnect_url`
    and `connections_url`.
    """
    # Whatever language an earlier task has left active in this thread.
    with translation.override(get_django_settings().language_code):
        check_remindable(connection, now=now)
        context = {
            "user": connection.user,
            "connection": connection,
            "state": state_of(connection, now=now),
            "site": urlsplit(site_url()).netloc,
            "limit": connection.valid_until(now=now),
            "reconnect_url": absolute_url(connect_url(orgkey=connection.orgkey)),
            "connections_url": absolute_url(page_url("connections")),
        }
        letter = EmailMultiAlternatives(
            subject=" ".join(render_to_string(f"{TEMPLATES}_subject.txt", context).split()),
            body=render_to_string(f"{TEMPLATES}.txt", context).strip() + "\n",
            to=[_address(connection)],
            headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no machine answers it.
        )
        letter.attach_alternative(render_to_string(f"{TEMPLATES}.html", context), "text/html")
    return letter


def _address(connection: Connection) -> str:
    """Return where to write to; nothing where Django would not take it for one address."""
    user = connection.user
    address = email_of(user)
    try:
        validate_email(address)
    except ValidationError:
        # What the mail backend makes of it differs with Python's version, and may end the round.
        return ""
    return address
