"""What end-users read: scopes, endings and states, each in plain words and translatable."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AuthorizationFailed,
    ClientRejected,
    DecryptionFailed,
    TemporarilyUnavailable,
    UntrustedHost,
)
from actionstep_connect.models import Connection, Status, StatusReason

Words = str | Promise

#: Actionstep's list is not closed: a name that is not here is shown as it is.
SCOPES: dict[str, Words] = {
    "accounts": _("Accounts"),
    "actionbillsettings": _("Billing settings of matters"),
    "actionchangestep": _("Moving matters to another step"),
    "actioncreate": _("Creating matters"),
    "actiondocuments": _("Documents of matters"),
    "actionfolders": _("Document folders of matters"),
    "actionparticipants": _("Who takes part in which matter"),
    "actions": _("Matters"),
    "actiontypeparticipanttypes": _("Which parties each type of matter has"),
    "actiontypes": _("Types of matters"),
    "all": _("Everything that you can see in Actionstep"),
    "bills": _("Bills"),
    "contactdocuments": _("Documents of contacts"),
    "contactfolders": _("Document folders of contacts"),
    "contactnotes": _("Notes about contacts"),
    "contactrelationships": _("How contacts relate to each other"),
    "datacollectionfields": _("Fields of custom data"),
    "datacollectionrecords": _("Records of custom data"),
    "datacollectionrecordvalues": _("Values of custom data"),
    "datacollections": _("Custom data"),
    "disbursements": _("Disbursements"),
    "divisions": _("Divisions of your firm"),
    "emailassociations": _("Which e-mail belongs to which matter"),
    "emailattachments": _("Attachments of e-mails"),
    "emails": _("E-mails"),
    "filenotes": _("File notes"),
    "files": _("Files"),
    "openid": _("Who you are in Actionstep"),
    "participantdefaulttypes": _("Usual roles of contacts"),
    "participantrelationshiptypes": _("Kinds of relationships between contacts"),
    "participants": _("Contacts and other parties"),
    "participanttypes": _("Roles of contacts"),
    "phonerecords": _("Records of phone calls"),
    "quickcodes": _("Quick codes"),
    "resthooks": _("Notices of changes in Actionstep"),
    "steps": _("Steps of matters"),
    "tasks": _("Tasks"),
    "timeentries": _("Time entries"),
    "timerecords": _("Time records"),
    "users": _("Users of your firm"),
    "utbmscodes": _("UTBMS codes"),
}


class Scope(NamedTuple):
    """One scope as a person reads it; `is_new` if the connection did not have it before."""

    name: str
    words: Words
    is_new: bool = False


def scope_in_words(name: str, *, is_new: bool = False) -> Scope:
    """Return `name` in words, or the bare name where nobody knows better."""
    return Scope(name=name, words=SCOPES.get(name, name), is_new=is_new)


class Ending(NamedTuple):
    """How an attempt to connect ended badly: what happened, what to do, and the HTTP status."""

    title: Words
    text: Words
    next_step: Words
    status: HTTPStatus
    #: Whether trying again may help.
    retry: bool = True


_NOTHING_CHANGED = _("Nothing was changed. You can connect whenever you like.")
_START_AGAIN = _("Please start again from here.")
_TELL_ADMIN = _(
    "Please tell whoever looks after this site, and give them the reference below. "
    "Trying again will not help until they have looked into it."
)
_SET_UP_WRONGLY = _("This site is not set up correctly")

ENDINGS: dict[str, Ending] = {
    "access_denied": Ending(
        title=_("You did not allow access"),
        text=_("Actionstep tells us that you chose not to give this site access."),
        next_step=_NOTHING_CHANGED,
        status=HTTPStatus.FORBIDDEN,
    ),
    "expired": Ending(
        title=_("That took too long"),
        text=_("For your safety, connecting has to be finished within ten minutes."),
        next_step=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    "already_used": Ending(
        title=_("This link was used already"),
        text=_("You came back from Actionstep with a link that works only once."),
        next_step=_("Look at your connections; if the one you wanted is not there, start again."),
        status=HTTPStatus.BAD_REQUEST,
    ),
    "unknown_state": Ending(
        title=_("We do not know this link"),
        text=_("It does not belong to any attempt to connect that was started on this site."),
        next_step=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    "other_user": Ending(
        title=_("Somebody else started this"),
        text=_("This attempt to connect belongs to another user of this site, so we stopped it."),
        next_step=_("To connect your own Actionstep account, start again from here."),
        status=HTTPStatus.FORBIDDEN,
    ),
    "other_browser": Ending(
        title=_("This was started somewhere else"),
        text=_(
            "You began in another browser, or signed out in between. For your safety, connecting "
            "has to be finished where it was started."
        ),
        next_step=_START_AGAIN,
        status=HTTPStatus.FORBIDDEN,
    ),
    "other_environment": Ending(
        title=_("This site has changed meanwhile"),
        text=_("The settings for Actionstep were changed after you had started."),
        next_step=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    "malformed_callback": Ending(
        title=_("We did not understand Actionstep"),
        text=_("The answer that you came back with was not complete."),
        next_step=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    "issuer_mismatch": Ending(
        title=_("This answer did not come from Actionstep"),
        text=_("It names another sender, so we did not use it."),
        next_step=_START_AGAIN,
        status=HTTPStatus.BAD_REQUEST,
    ),
    "invalid_grant": Ending(
        title=_("Actionstep did not accept this"),
        text=_("Its permission is valid for a minute only, and may have run out on the way."),
        next_step=_START_AGAIN,
        status=HTTPStatus.BAD_GATEWAY,
    ),
    "login_required": Ending(
        title=_("Please sign in to Actionstep"),
        text=_("Actionstep needs you to sign in before it can give this site access."),
        next_step=_START_AGAIN,
        status=HTTPStatus.FORBIDDEN,
    ),
    "invalid_scope": Ending(
        title=_("Actionstep does not offer what this site asked for"),
        text=_("It refused the kind of access that this site wants, and nothing was changed."),
        next_step=_TELL_ADMIN,
        status=HTTPStatus.BAD_GATEWAY,
        retry=False,
    ),
    "provider_error": Ending(
        title=_("Actionstep refused"),
        text=_("It could not go on with the request of this site, and nothing was changed."),
        next_step=_("Please try again. If it happens again, tell whoever looks after this site."),
        status=HTTPStatus.BAD_GATEWAY,
    ),
    "temporarily_unavailable": Ending(
        title=_("Actionstep does not answer at the moment"),
        text=_("That is usually over soon. Nothing is lost, and your connections are as before."),
        next_step=_("Please try again in a minute."),
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    "client_rejected": Ending(
        title=_SET_UP_WRONGLY,
        text=_("Actionstep does not accept this site's own credentials. It is not your fault."),
        next_step=_TELL_ADMIN,
        status=HTTPStatus.BAD_GATEWAY,
        retry=False,
    ),
    "untrusted_host": Ending(
        title=_("We did not trust the answer"),
        text=_(
            "Your organisation's data would come from a server that this site does not know, so we "
            "did not connect."
        ),
        next_step=_TELL_ADMIN,
        status=HTTPStatus.BAD_GATEWAY,
        retry=False,
    ),
    "incomplete_answer": Ending(
        title=_("Actionstep's answer was incomplete"),
        text=_("It did not say all that is needed to keep a connection, so we did not store it."),
        next_step=_("Please try again. If it happens again, tell whoever looks after this site."),
        status=HTTPStatus.BAD_GATEWAY,
    ),
    "scope_not_allowed": Ending(
        title=_("This site may not ask for that"),
        text=_("More access was asked for than this site is allowed to have."),
        next_step=_TELL_ADMIN,
        status=HTTPStatus.BAD_REQUEST,
        retry=False,
    ),
    "insecure_redirect_uri": Ending(
        title=_SET_UP_WRONGLY,
        text=_("It is not reached over a secure address (https), so nobody can connect."),
        next_step=_TELL_ADMIN,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        retry=False,
    ),
    "decryption_failed": Ending(
        title=_SET_UP_WRONGLY,
        text=_("It could not read what it had kept for this attempt. Nothing was changed."),
        next_step=_TELL_ADMIN,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        retry=False,
    ),
    "authorization_failed": Ending(
        title=_("Connecting did not work"),
        text=_("Something went wrong on the way, and nothing was changed."),
        next_step=_("Please try again. If it happens again, tell whoever looks after this site."),
        status=HTTPStatus.BAD_GATEWAY,
    ),
}

_SAME_ENDING = {
    "server_error": "temporarily_unavailable",
    "invalid_request": "provider_error",
    "unsupported_response_type": "provider_error",
    "unauthorized_client": "client_rejected",
}


def ending_code(error: ActionstepConnectError) -> str:
    """Return which of ENDINGS `error` is. Whatever the token endpoint said, its class decides."""
    match error:
        case TemporarilyUnavailable() | ClientRejected() | UntrustedHost() | DecryptionFailed():
            return type(error).code
        case AuthorizationFailed():
            code = _SAME_ENDING.get(error.code, error.code)
            return code if code in ENDINGS else AuthorizationFailed.code
        case _:
            return AuthorizationFailed.code


class State(NamedTuple):
    """How a connection is: in a few words, and what its user can do about it."""

    words: Words
    next_step: Words
    #: `good`, `soon`, `bad` or `ended`: a CSS class, never the only sign.
    mood: str
    #: Whether only its user can mend it; then they are alerted, and e-mailed if the site wants that.
    needs_user: bool = False


_RECONNECT = _("Reconnect to use it again.")

_BY_REASON: dict[str, State] = {
    StatusReason.REFUSED: State(
        words=_("Actionstep has ended it."), next_step=_RECONNECT, mood="bad", needs_user=True
    ),
    StatusReason.INTERRUPTED: State(
        words=_("It was interrupted."), next_step=_RECONNECT, mood="bad", needs_user=True
    ),
    StatusReason.ORGANISATION_CHANGED: State(
        words=_("Actionstep answered for another organisation."),
        next_step=_("Reconnect, and choose this organisation in Actionstep."),
        mood="bad",
        needs_user=True,
    ),
    StatusReason.ENDED_BY_USER: State(
        words=_("You disconnected it."),
        next_step=_("Connect again whenever you like."),
        mood="ended",
    ),
    StatusReason.ENDED_BY_ADMIN: State(
        words=_("An administrator disconnected it."),
        next_step=_("Connect again if you still need it."),
        mood="ended",
    ),
}
_OTHER_CLIENT = State(
    words=_("Made before this site's access to Actionstep was renewed."),
    next_step=_RECONNECT,
    mood="bad",
    needs_user=True,
)
_NEAR_LIMIT = State(
    words=_("Connected, but not for much longer."),
    next_step=_("Reconnect in time, and it goes on without a break."),
    mood="soon",
    needs_user=True,
)
_FAILING = State(
    words=_("Connected, though Actionstep did not answer lately."),
    next_step=_("There is nothing you need to do: we keep trying."),
    mood="good",
)
_GOOD = State(
    words=_("Connected."),
    next_step=_("There is nothing you need to do: it renews itself."),
    mood="good",
)


def state_of(connection: Connection, *, now: datetime) -> State:
    """Return how `connection` is, computed now: a dead worker hides nothing."""
    config = get_config()
    if connection.status == Status.DISCONNECTED:
        return _BY_REASON.get(connection.status_reason, _BY_REASON[StatusReason.ENDED_BY_USER])
    if connection.status == Status.RECONNECT_REQUIRED:
        return _BY_REASON.get(connection.status_reason, _BY_REASON[StatusReason.REFUSED])
    if connection.client_id != config.client_id:
        return _OTHER_CLIENT
    if connection.is_near_limit(now=now, within=config.warn_before):
        return _NEAR_LIMIT
    if connection.consecutive_failures >= policy.FAILING_AFTER:
        return _FAILING
    return _GOOD
