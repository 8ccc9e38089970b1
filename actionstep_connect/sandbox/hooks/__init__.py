"""REST hooks: the sandbox calls a registered address when a row changes.

`events` names what happened, `payloads` puts it into a body, `calls` makes the calls.
"""
