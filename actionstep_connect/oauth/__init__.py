"""The only room that talks to Actionstep's authorization server (RFC 6749)."""

from actionstep_connect.oauth.answers import TokenGrant, retry_after
from actionstep_connect.oauth.endpoint import authorization_url, exchange_code, refresh_token_grant

__all__ = ["TokenGrant", "authorization_url", "exchange_code", "refresh_token_grant", "retry_after"]
