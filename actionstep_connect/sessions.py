"""What this package keeps in a user's session, and under which keys."""

from django.contrib.auth.base_user import AbstractBaseUser

#: The random marker that an attempt to connect is bound to.
MARKER = "actionstep_connect"
#: The organisation in which a user of several chose to work, by the user's key: the user of a request
#: need not be the session's, where a token came beside a cookie or a person acts as another.
CHOSEN_ORGKEY = "actionstep_connect_orgkey"
#: That Actionstep connected another organisation than the one requested; shown once.
OTHER_ORGANISATION = "actionstep_connect_other_organisation"


def choice_of(user: AbstractBaseUser, choices: object) -> str | None:
    """Return which organisation `user` chose, where the session keeps `choices` under CHOSEN_ORGKEY."""
    chosen = choices.get(_key(user)) if isinstance(choices, dict) else None
    return chosen if isinstance(chosen, str) else None


def with_choice(user: AbstractBaseUser, choices: object, orgkey: str) -> dict[str, str]:
    """Return `choices` once `user` has chosen `orgkey`."""
    return {**(choices if isinstance(choices, dict) else {}), _key(user): orgkey}


def _key(user: AbstractBaseUser) -> str:
    # As `django.contrib.auth.login` writes it.
    return str(user._meta.pk.value_to_string(user))
