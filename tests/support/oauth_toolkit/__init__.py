"""A second authorization server, so that the sandbox is not the only one that understands this package.

django-oauth-toolkit as its own documentation sets it up, strict in all that it can be strict in:
PKCE, exact redirect URIs, rotation with reuse protection, hashed tokens, `iss` (RFC 9700, RFC 9207).
`dialect` adds the two members of Actionstep's answers that no standard knows; all else is its own.

    python -m tests.support.oauth_toolkit REDIRECT_URI    # in a folder of its own, for its database
"""
