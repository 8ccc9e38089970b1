"""Reading the value of ACTIONSTEP_CONNECT: a Config, or everything that is wrong with it."""

from collections.abc import Mapping
from typing import Any

from actionstep_connect.check_ids import CheckId
from actionstep_connect.conf.config import IDLE_RENEWAL_SHARE, SETTING, Config, Problem
from actionstep_connect.conf.readers import READERS, WrongError, wrap, wrap_keys
from actionstep_connect.environments import KNOWN_ENDPOINTS, PRODUCTION
from actionstep_connect.scopes import missing_scopes

_REQUIRED = frozenset({"CLIENT_ID", "CLIENT_SECRET", "SCOPES", "ENCRYPTION_KEYS"})
_SECRETS = frozenset({"CLIENT_SECRET", "ENCRYPTION_KEYS"})
_BY_ENVIRONMENT = frozenset({"AUTHORIZE_URL", "TOKEN_URL", "API_HOSTS"})


def read_settings(raw: object) -> tuple[Config | None, list[Problem]]:
    """Check `raw`, the value of ACTIONSTEP_CONNECT; without problems, return it as a Config."""
    if not isinstance(raw, Mapping):
        return None, [
            Problem(
                id=CheckId.SETTINGS_MISSING,
                message=f"{SETTING} is missing or is not a dict.",
                hint=f"Add {SETTING} = {{…}} to your settings; docs/tutorial.md shows a complete one.",
            )
        ]
    values = _with_secrets_wrapped(raw)
    problems = [_unknown(key) for key in raw if key not in READERS]
    del raw  # An error page or a monitoring product shows each variable of a frame.
    values = {**_by_environment(values), **values}
    read: dict[str, Any] = {}
    for key, reader in READERS.items():
        if key in values:
            try:
                read[key.lower()] = reader(values[key])
            except WrongError as wrong:
                problems.append(_wrong(key, str(wrong)))
        elif key in _REQUIRED or (key in _BY_ENVIRONMENT and "environment" in read):
            problems.append(_missing(key))
    if problems:
        return None, problems
    config = Config(**{"allowed_scopes": read["scopes"], **read})
    problems = _inconsistencies(config)
    return (None if problems else config), problems


def _with_secrets_wrapped(raw: Mapping[Any, Any]) -> dict[str, object]:
    values = {key: raw[key] for key in READERS if key in raw}
    for key in _SECRETS & values.keys():
        value = values[key]
        is_list = isinstance(value, (list, tuple))
        values[key] = wrap_keys(value) if is_list else wrap(value)
    return values


def _by_environment(values: Mapping[str, object]) -> dict[str, object]:
    known = KNOWN_ENDPOINTS.get(str(values.get("ENVIRONMENT", PRODUCTION)))
    if known is None:
        return {"ENVIRONMENT": PRODUCTION}
    return {
        "ENVIRONMENT": PRODUCTION,
        "AUTHORIZE_URL": known.authorize_url,
        "TOKEN_URL": known.token_url,
        "API_HOSTS": known.api_hosts,
    }


def _unknown(key: object) -> Problem:
    return Problem(
        id=CheckId.UNKNOWN_KEY,
        message=f"{SETTING} has an unknown key {key!r}.",
        hint=f"Known keys: {', '.join(READERS)}.",
    )


def _missing(key: str) -> Problem:
    if key in _BY_ENVIRONMENT:
        hint = (
            f"Only {' and '.join(sorted(KNOWN_ENDPOINTS))} have one built in; "
            "any other ENVIRONMENT needs AUTHORIZE_URL, TOKEN_URL and API_HOSTS."
        )
    else:
        hint = _HINTS.get(key, f"Add {key!r} to {SETTING}.")
    return Problem(id=CheckId.MISSING_KEY, message=f"{SETTING}[{key!r}] is missing.", hint=hint)


def _wrong(key: str, requirement: str) -> Problem:
    return Problem(
        id=_WRONG_IDS.get(key, CheckId.WRONG_VALUE),
        message=f"{SETTING}[{key!r}] must be {requirement}.",
        hint=_HINTS.get(key, "Correct the value in your settings."),
    )


_WRONG_IDS = {
    "ENCRYPTION_KEYS": CheckId.WRONG_KEYS,
    "AUTHORIZE_URL": CheckId.WRONG_URL,
    "TOKEN_URL": CheckId.WRONG_URL,
    "REDIRECT_URI": CheckId.WRONG_URL,
    "HOOKS_URL": CheckId.WRONG_URL,
    "API_HOSTS": CheckId.WRONG_API_HOSTS,
}
_ENDPOINT_HINT = (
    "Leave it out, unless ENVIRONMENT is a label of your own; http is accepted for 127.0.0.1, "
    "localhost and [::1] only."
)
_HINTS = {
    "CLIENT_ID": "Actionstep gives it with the client secret; until then use the sandbox's: sandbox-client.",
    "CLIENT_SECRET": "Actionstep gives it with the client id; until then use the sandbox's: sandbox-secret.",
    "SCOPES": "One name per API resource, such as ['timerecords', 'actions', 'participants'].",
    "ENCRYPTION_KEYS": "If this site had one before, put that back: rows need it. Else make one with "
    "`manage.py actionstep_generate_key` and keep it out of the code.",
    "AUTHORIZE_URL": _ENDPOINT_HINT,
    "TOKEN_URL": _ENDPOINT_HINT,
    "REDIRECT_URI": "Give the absolute URL of the callback as registered with Actionstep, such as "
    "https://your.site/actionstep/callback/; http is accepted for 127.0.0.1, localhost and [::1] only.",
}


def _inconsistencies(config: Config) -> list[Problem]:
    problems = []
    if config.environment in KNOWN_ENDPOINTS:
        expected = KNOWN_ENDPOINTS[config.environment].api_hosts
        if strangers := [host for host in config.api_hosts if host not in expected and ":" in host]:
            problems.append(
                Problem(
                    id=CheckId.WRONG_API_HOSTS,
                    message=f"{SETTING}['API_HOSTS'] trusts {strangers[0]!r} in {config.environment}.",
                    hint="Give a sandbox an ENVIRONMENT label of its own, such as 'sandbox'.",
                )
            )
    if outside := missing_scopes(config.scopes, config.allowed_scopes):
        problems.append(
            Problem(
                id=CheckId.SCOPES_NOT_ALLOWED,
                message=f"{SETTING}['SCOPES'] asks for {outside[0]!r}, which ALLOWED_SCOPES lacks.",
                hint="Add it to ALLOWED_SCOPES, or leave ALLOWED_SCOPES out.",
            )
        )
    if config.warn_before >= config.refresh_token_lifetime:
        problems.append(
            Problem(
                id=CheckId.WARN_BEFORE_TOO_LONG,
                message=f"{SETTING}['WARN_BEFORE'] is not shorter than REFRESH_TOKEN_LIFETIME.",
                hint="Every connection would be flagged from its first minute; 7 of 21 days is usual.",
            )
        )
    elif (
        config.idle_after is not None
        and config.idle_after
        >= (config.refresh_token_lifetime - config.warn_before) * IDLE_RENEWAL_SHARE
    ):
        problems.append(
            Problem(
                id=CheckId.IDLE_AFTER_TOO_LONG,
                message=f"{SETTING}['IDLE_AFTER'] would let an idle renewal fall inside WARN_BEFORE.",
                hint="Make IDLE_AFTER shorter, or WARN_BEFORE.",
            )
        )
    return problems
