"""Looking for secrets in whatever came out, in every spelling they could have."""

import base64
import binascii
from urllib.parse import quote, quote_plus

#: Shorter remains of a base64 form would be found by chance.
SHORTEST = 12


def spellings(secret: str) -> set[str]:
    """Return how `secret` may look: as it is, URL-encoded, in hex, and in base64 at any offset."""
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), quote_plus(secret), repr(raw)[2:-1]}
    forms |= {binascii.hexlify(raw).decode(), binascii.hexlify(raw).decode().upper()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=").decode()
        # The first and the last characters share bits with what stands beside the secret.
        middle = encoded[(offset * 8 + 5) // 6 : -1]
        forms |= {middle, middle.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """Return the names of those `secrets` that `text` holds in some spelling, and where."""
    forms = [(name, form) for name, secret in secrets.items() for form in spellings(secret)]
    # Hundreds begin alike, and texts are long: what no form begins with is looked for once.
    begun = {start for start in {form[:SHORTEST] for _, form in forms} if start in text}
    return [
        f"{name} near {text[max(text.find(form) - 150, 0) : text.find(form)]!r}"
        for name, form in forms
        if form[:SHORTEST] in begun and form in text
    ]
