"""Why connecting failed, as users read it, and what they can do."""

from http import HTTPStatus
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AuthorizationFailed,
    ClientRejected,
    DecryptionFailed,
    TemporarilyUnavailable,
    UntrustedHost,
)
from actionstep_connect.wording.scopes import Text


class ConnectFailure(NamedTuple):
    """Why an attempt to connect failed: what happened, what to do, and the HTTP status."""

    title: Text
    text: Text
    hint: Text
    status: HTTPStatus
    #: Whether trying again may help.
    retry: bool = True


_NOTHING_CHANGED = _("Nothing has changed. You can connect whenever you like.")
_START_AGAIN = _("Please start again from here.")
_TELL_ADMIN = _(
    "Please tell your site's administrator, and give them the reference below. "
    "Trying again will not help until they have fixed it."
)
_SET_UP_WRONGLY = _("This site is not set up correctly")

FAILURES: dict[str, ConnectFailure] = {
    ErrorCode.ACCESS_DENIED: ConnectFailure(
        title=_("You did not allow access"),
        text=_("You chose not to give this site access to Actionstep."),
        hint=_NOTHING_CHANGED,
        status=HTTPStatus.FORBIDDEN,
    ),
    ErrorCode.EXPIRED: ConnectFailure(
        title=_("That took too long"),
        text=_("For your security, connecting has to be finished within ten minutes."),
        hint=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    ErrorCode.ALREADY_USED: ConnectFailure(
        title=_("This link has already been used"),
        text=_("You came back from Actionstep with a link that works only once."),
        hint=_("Check your connections. If the one you wanted is not there, start again."),
        status=HTTPStatus.BAD_REQUEST,
    ),
    ErrorCode.UNKNOWN_STATE: ConnectFailure(
        title=_("This link is not valid"),
        text=_("It does not match any request to connect that was started on this site."),
        hint=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    ErrorCode.OTHER_USER: ConnectFailure(
        title=_("This request was started by another user"),
        text=_("The request to connect belongs to another user of this site, so it was stopped."),
        hint=_("To connect your own Actionstep account, start again from here."),
        status=HTTPStatus.FORBIDDEN,
    ),
    ErrorCode.OTHER_BROWSER: ConnectFailure(
        title=_("This was started in another browser"),
        text=_(
            "You started in another browser, or signed out in between. For your security, connecting "
            "has to be finished where it was started."
        ),
        hint=_START_AGAIN,
        status=HTTPStatus.FORBIDDEN,
    ),
    ErrorCode.NO_COOKIE: ConnectFailure(
        title=_("A cookie is missing"),
        text=_(
            "Connecting has to be finished in the browser in which it was started. This site recognises the "
            "browser by the cookie “actionstep_connect”, and your browser did not send it."
        ),
        hint=_(
            "Allow cookies for this site and try again. If they are allowed, tell your site's "
            "administrator: something in front of the site may be removing the cookie."
        ),
        status=HTTPStatus.FORBIDDEN,
    ),
    ErrorCode.OTHER_ENVIRONMENT: ConnectFailure(
        title=_("This site's settings have changed"),
        text=_("The settings for Actionstep were changed after you started."),
        hint=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    ErrorCode.MALFORMED_CALLBACK: ConnectFailure(
        title=_("The answer was incomplete"),
        text=_("What came back from Actionstep was not complete."),
        hint=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    ErrorCode.ISSUER_MISMATCH: ConnectFailure(
        title=_("This answer did not come from Actionstep"),
        text=_("It names another sender, so it was not used."),
        hint=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    ErrorCode.INVALID_GRANT: ConnectFailure(
        title=_("Actionstep did not accept this"),
        text=_("The authorisation is valid for one minute and may have expired."),
        hint=_START_AGAIN,
        status=HTTPStatus.BAD_GATEWAY,
    ),
    ErrorCode.LOGIN_REQUIRED: ConnectFailure(
        title=_("Please sign in to Actionstep"),
        text=_("Actionstep needs you to sign in before it can give this site access."),
        hint=_START_AGAIN,
        status=HTTPStatus.FORBIDDEN,
    ),
    ErrorCode.INVALID_SCOPE: ConnectFailure(
        title=_("Actionstep does not offer what this site asked for"),
        text=_("It refused the access that this site asked for. Nothing has changed."),
        hint=_TELL_ADMIN,
        status=HTTPStatus.BAD_GATEWAY,
        retry=False,
    ),
    ErrorCode.PROVIDER_ERROR: ConnectFailure(
        title=_("Actionstep refused the request"),
        text=_("It could not continue with this site's request. Nothing has changed."),
        hint=_("Please try again. If it happens again, tell your site's administrator."),
        status=HTTPStatus.BAD_GATEWAY,
    ),
    ErrorCode.TEMPORARILY_UNAVAILABLE: ConnectFailure(
        title=_("Actionstep is not responding"),
        text=_("This usually passes quickly. Your existing connections are not affected."),
        hint=_("Please try again in a minute."),
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    ErrorCode.CLIENT_REJECTED: ConnectFailure(
        title=_SET_UP_WRONGLY,
        text=_(
            "Actionstep does not accept this site's own credentials. You have done nothing wrong."
        ),
        hint=_TELL_ADMIN,
        status=HTTPStatus.BAD_GATEWAY,
        retry=False,
    ),
    ErrorCode.UNTRUSTED_HOST: ConnectFailure(
        title=_("Actionstep's answer was not trusted"),
        text=_(
            "Your organisation's data would come from a server that this site does not know, so "
            "the connection was not made."
        ),
        hint=_TELL_ADMIN,
        status=HTTPStatus.BAD_GATEWAY,
        retry=False,
    ),
    ErrorCode.INCOMPLETE_ANSWER: ConnectFailure(
        title=_("Actionstep's answer was incomplete"),
        text=_("It lacked details that a connection needs, so nothing was stored."),
        hint=_("Please try again. If it happens again, tell your site's administrator."),
        status=HTTPStatus.BAD_GATEWAY,
    ),
    ErrorCode.SCOPE_NOT_ALLOWED: ConnectFailure(
        title=_("This site may not ask for that"),
        text=_("The request asks for more access than this site is allowed to have."),
        hint=_TELL_ADMIN,
        status=HTTPStatus.BAD_REQUEST,
        retry=False,
    ),
    ErrorCode.INSECURE_REDIRECT_URI: ConnectFailure(
        title=_SET_UP_WRONGLY,
        text=_("It is not reached over a secure address (https), so no user can connect."),
        hint=_TELL_ADMIN,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        retry=False,
    ),
    ErrorCode.DECRYPTION_FAILED: ConnectFailure(
        title=_SET_UP_WRONGLY,
        text=_("It could not read what it had stored for this request. Nothing has changed."),
        hint=_TELL_ADMIN,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        retry=False,
    ),
    ErrorCode.DISCONNECTED_MEANWHILE: ConnectFailure(
        title=_("You disconnected while connecting"),
        text=_(
            "You disconnected this organisation while it was being connected, so it stays disconnected."
        ),
        hint=_NOTHING_CHANGED,
        status=HTTPStatus.CONFLICT,
    ),
    ErrorCode.INACTIVE_USER: ConnectFailure(
        title=_("Your account is not active"),
        text=_("This site does not use the connections of inactive accounts."),
        hint=_("Ask an administrator of this site to activate your account."),
        status=HTTPStatus.FORBIDDEN,
        retry=False,
    ),
    ErrorCode.USER_DELETED: ConnectFailure(
        title=_("Your account was deleted"),
        text=_("Your account on this site was deleted while you were connecting."),
        hint=_("Nothing was stored. If this is a mistake, ask an administrator of this site."),
        status=HTTPStatus.GONE,
        retry=False,
    ),
    ErrorCode.AUTHORIZATION_FAILED: ConnectFailure(
        title=_("Connecting did not work"),
        text=_("Something went wrong. Nothing has changed."),
        hint=_("Please try again. If it happens again, tell your site's administrator."),
        status=HTTPStatus.BAD_GATEWAY,
    ),
}

_SAME_AS: dict[str, str] = {
    ErrorCode.SERVER_ERROR: ErrorCode.TEMPORARILY_UNAVAILABLE,
    ErrorCode.INVALID_REQUEST: ErrorCode.PROVIDER_ERROR,
    ErrorCode.UNSUPPORTED_RESPONSE_TYPE: ErrorCode.PROVIDER_ERROR,
    ErrorCode.UNAUTHORIZED_CLIENT: ErrorCode.CLIENT_REJECTED,
}


def failure_code(error: ActionstepConnectError) -> str:
    """Return the code in FAILURES for `error`. What the token endpoint said matters less than its class."""
    match error:
        case TemporarilyUnavailable() | ClientRejected() | UntrustedHost() | DecryptionFailed():
            return type(error).code
        case AuthorizationFailed():
            code = _SAME_AS.get(error.code, error.code)
            return code if code in FAILURES else AuthorizationFailed.code
        case _:
            return AuthorizationFailed.code
