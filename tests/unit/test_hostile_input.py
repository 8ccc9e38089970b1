"""Hostile input at volume: a typed error or a right result, never anything else."""

import base64
import re
from random import Random
from urllib.parse import unquote, urlsplit

import pytest
from django.test import RequestFactory

from actionstep_connect.crypto import Context, KeyRing, MasterKey, read_key_id
from actionstep_connect.environments import KNOWN_ENDPOINTS, trusted_api_endpoint
from actionstep_connect.exceptions import DecryptionFailed, UntrustedHost
from actionstep_connect.secret import Secret
from actionstep_connect.views.protection import safe_next
from tests.support.hostile_values import (
    altered,
    hostile_address,
    hostile_next,
    some_bytes,
    strange_text,
)
from tests.support.volume import among, at_volume, one_of

#: Seconds; a quarter of a minute where no one else is at work.
pytestmark = pytest.mark.timeout(900)

PRODUCTION = KNOWN_ENDPOINTS["production"].api_hosts
KEYS = [MasterKey(bytes(range(32))), MasterKey(bytes(range(32, 64)))]
HERE = Context(field="refresh_token", user_id="7", environment="production", orgkey="acmelaw")
SITE = "testserver"


@at_volume(hostile_address, first=["https://eu.actionstep.com/api/rest"])
def test_s40_only_plain_https_to_actionstep_is_trusted(address: str) -> None:
    """Whatever is trusted is, read by another parser, https to a host below actionstep.com."""
    try:
        trusted = trusted_api_endpoint(address, PRODUCTION)
    except UntrustedHost as error:
        assert not re.fullmatch(r"https://[a-z]{1,20}\.actionstep\.com(/[a-z]+)*/?", address)
        str(error).encode()
        return
    for url in (address, trusted):
        parts = urlsplit(url)
        assert url.isascii()
        assert url.isprintable()
        assert parts.scheme == "https"
        assert parts.port in (None, 443)
        assert parts.hostname
        assert re.fullmatch(r"([a-z0-9-]{1,63}\.)+actionstep\.com", parts.hostname)
        assert parts.hostname == re.sub(r":443$", "", parts.netloc.lower())
        assert re.fullmatch(r"(/[\w-]+)*/?", parts.path, re.ASCII)
        assert not parts.query
        assert not parts.fragment
    assert trusted.endswith("/")
    assert not trusted.endswith("/rest/")
    assert trusted_api_endpoint(trusted, PRODUCTION) == trusted


@at_volume(hostile_next, first=["/here/?a=b#c"])
@pytest.mark.parametrize("is_secure", [True, False])
def test_s10_a_next_that_is_kept_stays_on_this_site(is_secure: bool, url: str) -> None:
    """Where a browser would leave the site, or leave https, there is no next."""
    request = RequestFactory().get("/", secure=is_secure)
    kept = safe_next(request, url)
    assert kept in ("", url)
    if kept:
        assert stays_here(kept, is_secure=is_secure)
        assert len(kept) <= 2000
    elif re.fullmatch(r"/[a-z][a-z/]{,50}(\?[a-z=]{,50})?", url):
        raise AssertionError(f"{url!r} is a page of this site")


def stays_here(url: str, *, is_secure: bool) -> bool:
    """Return where a browser would go, by the WHATWG URL Standard's basic parser (§4.4)."""
    scheme_here = "https" if is_secure else "http"
    url = re.sub(r"[\t\n\r]", "", url.strip("".join(map(chr, range(0x21)))))
    scheme, rest = scheme_here, url
    if match := re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url):
        scheme, rest = match[1].lower(), url[match.end() :]
        if scheme not in ("http", "https"):
            return False
    before_query = re.split(r"[?#]", rest, maxsplit=1)[0].replace("\\", "/")
    if scheme == scheme_here and not before_query.startswith("//"):
        return True  # Relative, with or without its scheme.
    authority = before_query.lstrip("/").partition("/")[0]
    host = unquote(authority.rpartition("@")[2]).lower()
    default = {"http": ":80", "https": ":443"}[scheme]
    return host.removesuffix(default) == SITE and (scheme == "https" or not is_secure)


#: Sealed by two keys, the second of which is not on the ring.
ENVELOPES = [
    KeyRing([key]).seal(Secret("a" * length), HERE) for key in KEYS for length in (0, 1, 2, 3, 60)
]

KEY_IDS = (KEYS[0].id, KEYS[1].id, "0" * 8, "", "A" * 8, "\uff11" * 8)
FIELDS, ENVIRONMENTS = ("refresh_token", "access_token"), ("production", "staging")
body_bytes = some_bytes(60)


def encoded(random: Random) -> str:
    return base64.urlsafe_b64encode(body_bytes(random)).decode()


def near_envelope(random: Random) -> str:
    body = random.choice((encoded, strange_text))(random)
    return f"v1.{random.choice(KEY_IDS)}.{body}"


envelope = among(*ENVELOPES)
any_envelope = one_of(
    envelope, altered(envelope), altered(altered(envelope)), strange_text, near_envelope
)


def any_context(random: Random) -> Context:
    return Context(
        field=random.choice(FIELDS),
        user_id=random.choice((lambda _: "7", strange_text))(random),
        environment=random.choice(ENVIRONMENTS),
        orgkey=random.choice((lambda _: "acmelaw", strange_text))(random),
    )


def stored(random: Random) -> tuple[str, Context]:
    """Return what is stored as an envelope, and the context in which it is opened."""
    return any_envelope(random), random.choice((lambda _: HERE, any_context))(random)


@at_volume(stored, first=[(each, HERE) for each in ENVELOPES])
def test_s34_only_an_envelope_of_ours_opens(given: tuple[str, Context]) -> None:
    """Whatever is stored in its place, opening gives what was sealed or DecryptionFailed."""
    envelope, context = given
    ring = KeyRing(KEYS[:1])
    may_open = envelope in ENVELOPES[:5] and context == HERE
    try:
        opened = ring.open(envelope, context)
    except DecryptionFailed as error:
        assert not may_open
        str(error).encode()
    else:
        assert may_open
        assert opened.reveal() == "a" * (0, 1, 2, 3, 60)[ENVELOPES.index(envelope)]
    named = read_key_id(envelope)
    assert re.fullmatch(r"([0-9a-f]{8})?", named, re.ASCII)
    assert not named or envelope.startswith(f"v1.{named}.")
