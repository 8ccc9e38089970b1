"""The only room that makes OAuth requests to Actionstep's authorization server (RFC 6749).

Authlib and httpx2 take several times as long to load as all the rest of the app. A command that only checks,
migrates or lists does not wait for them: they are loaded by the first use. So write
`oauth.exchange_code(…)`; to import the name of a function is to use it.
"""

from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from actionstep_connect.oauth.grant import TokenGrant

if TYPE_CHECKING:
    from actionstep_connect.oauth.endpoint import (
        authorization_url,
        exchange_code,
        refresh_token_grant,
    )

__all__ = ["TokenGrant", "authorization_url", "exchange_code", "refresh_token_grant"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_string(f"{__name__}.endpoint.{name}")
