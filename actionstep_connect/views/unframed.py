"""Frames refused within whatever Content-Security-Policy the site gives its answers."""

from typing import Any

from django.http.response import ResponseHeaders

HEADER = "Content-Security-Policy"
DIRECTIVE = "frame-ancestors"
NO_FRAMES = f"{DIRECTIVE} 'none'"


class UnframedHeaders(ResponseHeaders):
    """Headers whose policy refuses frames, whatever else a middleware writes into it, and whenever.

    While there is nothing but this package's own policy the header counts as missing, because
    django-csp, Django and others write the site's policy only then.
    """

    def __init__(self, headers: Any) -> None:
        super().__init__({HEADER: NO_FRAMES, **dict(headers.items())})

    def __contains__(self, key: object) -> bool:
        is_ours = str(key).lower() == HEADER.lower() and self.get(HEADER) == NO_FRAMES
        return super().__contains__(key) and not is_ours

    def __setitem__(self, key: str, value: str | bytes | int) -> None:
        if key.lower() == HEADER.lower():
            policy = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            value = ", ".join(map(_without_frames, policy.split(",")))
        super().__setitem__(key, value)


def _without_frames(policy: str) -> str:
    directives = [directive.strip() for directive in policy.split(";")]
    kept = [each for each in directives if each and each.split()[0].lower() != DIRECTIVE]
    return "; ".join([*kept, NO_FRAMES])
