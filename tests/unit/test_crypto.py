"""Sealing and opening: a value comes back whole, in its own place, or not at all."""

import base64
import copy
import json
import logging
import pickle
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from actionstep_connect.crypto import (
    NONCE_BYTES,
    PREFIX_LENGTH,
    TAG_BYTES,
    Context,
    KeyRing,
    get_key_ring,
    key_id,
)
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import DecryptionFailed, TemporarilyUnavailable
from actionstep_connect.generate_key import generate_key
from actionstep_connect.secret import Secret

TOKEN = "canary-0123456789"
HERE = Context(field="access_token", user_id="1", environment="production", orgkey="acmelaw")
FIRST, SECOND = generate_key(), generate_key()


def ring(*keys: str) -> KeyRing:
    return KeyRing.from_encoded(keys)


def sealed() -> str:
    return ring(FIRST).seal(Secret(TOKEN), HERE)


def keys_from_a_vault() -> list[str]:
    """Stand where a site's own callable would."""
    return [FIRST]


def nothing_from_a_vault() -> list[str]:
    """Stand where a site's own callable returns no key."""
    return []


def a_vault_that_is_away() -> list[str]:
    """Stand where a site's own callable fails."""
    raise LookupError(TOKEN)


def test_what_was_sealed_opens() -> None:
    """The same ring and the same context give the value back."""
    assert ring(FIRST).open(sealed(), HERE).reveal() == TOKEN


def test_what_an_earlier_release_sealed_opens() -> None:
    """An envelope of the format v1 opens in every later release: its key, its context, its lengths."""
    key = base64.urlsafe_b64encode(bytes(range(32))).decode()
    envelope = "v1.40b4556b.FEP6ChYwg6ZnSj_kVrBoChfZtkKk6JKInwotlQ6ku7KSWnY="
    context = Context("refresh_token", user_id="7", environment="production", orgkey="acmelaw")
    assert ring(key).open(envelope, context).reveal() == "a-token"


def test_a_callable_that_fails_fails_for_now(settings: Settings) -> None:
    """Whatever it raises is named by its type, without its words, and no connection is given up."""
    path = f"{__name__}.a_vault_that_is_away"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ENCRYPTION_KEYS": path}
    with pytest.raises(TemporarilyUnavailable, match="raised LookupError") as caught:
        get_key_ring()
    assert caught.value.code == ErrorCode.KEYS_UNAVAILABLE
    assert TOKEN not in str(caught.value)


def test_an_envelope_names_its_format_and_its_key() -> None:
    """`v1.KEY_ID.BODY`, where the body holds nonce, ciphertext and tag, and nothing else."""
    version, name, body = sealed().split(".")
    assert (version, name) == ("v1", key_id(base64.urlsafe_b64decode(FIRST)))
    assert len(base64.urlsafe_b64decode(body)) == NONCE_BYTES + len(TOKEN) + TAG_BYTES


def test_no_two_envelopes_are_alike() -> None:
    """Sealing the same value twice shows no one that it is the same."""
    assert sealed() != sealed()


def test_s33_an_envelope_shows_neither_the_value_nor_its_base64() -> None:
    """A dump of the database holds no token."""
    envelope = sealed()
    body = base64.urlsafe_b64decode(envelope.rpartition(".")[2])
    assert TOKEN not in envelope
    assert TOKEN.encode() not in body
    assert base64.b64encode(TOKEN.encode()).decode().rstrip("=") not in envelope


@pytest.mark.parametrize(
    "elsewhere",
    [
        HERE._replace(field="refresh_token"),
        HERE._replace(user_id="2"),
        HERE._replace(environment="staging"),
        HERE._replace(orgkey="otherlaw"),
        HERE._replace(user_id="1acmelaw", orgkey=""),
    ],
    ids=["field", "user", "environment", "organisation", "shifted boundaries"],
)
def test_s34_an_envelope_opens_nowhere_else(elsewhere: Context) -> None:
    """Moved to another field, user, environment or organisation, an envelope does not open."""
    with pytest.raises(DecryptionFailed):
        ring(FIRST).open(sealed(), elsewhere)


def test_s34_contexts_never_collide() -> None:
    """No two contexts encode alike, whatever characters their parts hold."""
    awkward = ["", '"', ",", '", "', "a", "\0", "é", "\\"]
    contexts = [
        Context(field=a, user_id=b, environment=c, orgkey="x")
        for a in awkward
        for b in awkward
        for c in awkward
    ]
    assert len({context.encode() for context in contexts}) == len(contexts)


def test_s34_an_envelope_cut_short_does_not_open() -> None:
    """Whatever number of characters is missing at the end, the answer is DecryptionFailed."""
    envelope, opener = sealed(), ring(FIRST)
    for length in range(len(envelope)):
        with pytest.raises(DecryptionFailed):
            opener.open(envelope[:length], HERE)


@pytest.mark.parametrize(
    "stranger", ["A", "b", "0", "-", "_", "+", "/", "=", ".", "é", "\0", "\ud800"]
)
def test_s34_an_altered_envelope_does_not_open(stranger: str) -> None:
    """Whichever one character is replaced, the answer is DecryptionFailed."""
    # A length that leaves unused bits in the last character, which base64 itself would ignore.
    opener = ring(FIRST)
    for token in ("t", "to", "tok"):
        envelope = opener.seal(Secret(token), HERE)
        for position, character in enumerate(envelope):
            if character == stranger:
                continue
            with pytest.raises(DecryptionFailed):
                opener.open(envelope[:position] + stranger + envelope[position + 1 :], HERE)


@pytest.mark.parametrize(
    "spelling",
    [
        lambda envelope: envelope.replace("-", "+").replace("_", "/"),
        lambda envelope: f"{envelope}=",
        lambda envelope: f"{envelope}\n",
        lambda envelope: f" {envelope}",
        lambda envelope: envelope.replace("v1", "V1"),
    ],
    ids=["standard alphabet", "more padding", "line break", "blank", "upper case"],
)
def test_s34_an_envelope_has_one_spelling(spelling: Any) -> None:
    """What another spelling of base64 would decode alike is still not what was stored."""
    opener = ring(FIRST)
    envelope = next(
        envelope
        for envelope in (opener.seal(Secret(TOKEN), HERE) for _ in range(1000))
        if "-" in envelope or "_" in envelope
    )
    with pytest.raises(DecryptionFailed):
        opener.open(spelling(envelope), HERE)


@pytest.mark.parametrize(
    "plain", ["", TOKEN, f"v1.{TOKEN}", f"v1.{TOKEN}.{TOKEN}", "v1..", "v2.a.b"]
)
def test_s34_plaintext_does_not_open(plain: str) -> None:
    """A value that was stored without sealing is refused, and the refusal does not repeat it."""
    with pytest.raises(DecryptionFailed) as caught:
        ring(FIRST).open(plain, HERE)
    assert TOKEN[:8] not in str(caught.value)


def test_s35_a_missing_key_is_named() -> None:
    """The error names the key that the ring lacks, by its public name."""
    with pytest.raises(DecryptionFailed, match=key_id(base64.urlsafe_b64decode(FIRST))):
        ring(SECOND).open(sealed(), HERE)


def test_s35_another_key_under_the_same_name_does_not_open() -> None:
    """The name of a key only finds it: the key itself must be right."""
    wrong = f"v1.{ring(SECOND).key_ids[0]}.{sealed().rpartition('.')[2]}"
    with pytest.raises(DecryptionFailed):
        ring(SECOND).open(wrong, HERE)


def test_s36_the_first_key_seals_and_all_open() -> None:
    """A new key in front seals from then on, and what the old one sealed still opens."""
    both = ring(SECOND, FIRST)
    assert both.open(sealed(), HERE).reveal() == TOKEN
    assert both.seal(Secret(TOKEN), HERE).split(".")[1] == both.key_ids[0]


def test_each_row_and_field_has_a_key_of_its_own() -> None:
    """Swapping only the associated data would not help: the derived key differs as well."""
    opener = ring(FIRST)
    elsewhere = HERE._replace(user_id="2")
    ours, theirs = opener.seal(Secret(TOKEN), HERE), opener.seal(Secret(TOKEN), elsewhere)
    assert opener.open(theirs, elsewhere) == opener.open(ours, HERE)
    with pytest.raises(DecryptionFailed):
        opener.open(theirs, HERE)


def test_a_generated_key_fits_and_is_new() -> None:
    """Each generated key is 32 bytes of base64url, and no two are the same."""
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(base64.urlsafe_b64decode(key)) for key in keys} == {32}


def test_s37_a_secret_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """No way of printing, formatting or logging a Secret shows what it holds."""
    secret = Secret(TOKEN)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("a %s and a %r in %s", secret, secret, {"token": secret})
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", format(secret)]
    assert TOKEN not in "".join([*shown, repr([secret]), repr({"a": secret}), caplog.text])
    assert not hasattr(secret, "__dict__")


def test_s37_a_secret_is_not_carried_off() -> None:
    """A Secret is neither pickled, nor copied deeply, nor serialized."""
    for carry in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            carry(Secret(TOKEN))
        assert TOKEN not in str(caught.value)


def test_secrets_compare_by_value() -> None:
    """Two Secrets are equal exactly if what they hold is."""
    assert Secret(TOKEN) == Secret(TOKEN)
    assert Secret(TOKEN) != Secret("another")
    assert Secret(TOKEN) != TOKEN
    assert len({Secret(TOKEN), Secret(TOKEN)}) == 1


def test_a_key_ring_shows_names_only() -> None:
    """The repr of a key ring names its keys and holds none of them."""
    shown = repr(ring(FIRST, SECOND))
    assert FIRST not in shown
    assert ring(FIRST).key_ids[0] in shown


def test_keys_may_come_from_a_callable(settings: Settings) -> None:
    """A dotted path in ENCRYPTION_KEYS is called, and what it returns is the key ring."""
    path = f"{__name__}.keys_from_a_vault"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ENCRYPTION_KEYS": path}
    assert get_key_ring().key_ids == ring(FIRST).key_ids


def test_a_callable_without_keys_is_refused(settings: Settings) -> None:
    """A callable that returns no key is a mistake of the site's, and is said so."""
    path = f"{__name__}.nothing_from_a_vault"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ENCRYPTION_KEYS": path}
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        get_key_ring()


def test_the_key_ring_follows_the_settings(settings: Settings) -> None:
    """Changed keys take effect at once in tests."""
    before = get_key_ring().key_ids
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ENCRYPTION_KEYS": [SECOND]}
    assert get_key_ring().key_ids == ring(SECOND).key_ids != before


@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        (TOKEN, ErrorCode.UNREADABLE),
        ("v1..", ErrorCode.UNREADABLE),
        (f"v1.{key_id(base64.urlsafe_b64decode(FIRST))}.!", ErrorCode.UNREADABLE),
        (f"v1.{key_id(base64.urlsafe_b64decode(SECOND))}.!", DecryptionFailed.code),
        ("v2.a.b", DecryptionFailed.code),
    ],
    ids=["no-envelope", "empty", "known-key", "missing-key", "other-version"],
)
def test_only_what_no_key_can_cure_is_unreadable(damaged: str, code: str) -> None:
    """A format of a later version, and a key that is missing, may open again; nothing else will."""
    with pytest.raises(DecryptionFailed) as caught:
        ring(FIRST).open(damaged, HERE)
    assert caught.value.code == code


def test_the_prefix_of_an_envelope_names_its_key() -> None:
    """So many characters are read to learn which key a row needs, and none of the value."""
    envelope = sealed()
    assert envelope[:PREFIX_LENGTH] == ".".join([*envelope.split(".")[:2], ""])
