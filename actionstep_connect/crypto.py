"""Sealing and opening: AES-256-GCM under a key derived for each row and field.

An envelope is the text `v1.KEY_ID.BASE64URL(nonce ‖ ciphertext ‖ tag)`. Its key is derived with
HKDF-SHA256 from a master key and the context (format, field, user, environment, orgkey); the same
context is the associated data. So an envelope moved to another field, user, organisation or
environment does not open, and no derived key ever sees enough messages for a nonce to repeat.
"""

import base64
import json
import os
import re
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from actionstep_connect.conf import SETTING, decode_key, get_config, wrap_keys
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import DecryptionFailed, TemporarilyUnavailable
from actionstep_connect.forks import after_fork
from actionstep_connect.generate_key import KEY_BYTES
from actionstep_connect.secret import Secret

if TYPE_CHECKING:
    from actionstep_connect.aead import AESGCM

FORMAT = "v1"
NONCE_BYTES = 12
TAG_BYTES = 16

#: How many characters of an envelope name its format and its key.
PREFIX_LENGTH = len(FORMAT) + 10

_PREFIX = re.compile(rf"{FORMAT}\.(?P<key_id>[0-9a-f]{{8}})\.", re.ASCII)
#: What a newer version of this package may have sealed.
_OTHER_FORMAT = re.compile(rf"(?!{FORMAT}\.)v\d+\.", re.ASCII)


class Context(NamedTuple):
    """What an envelope is bound to."""

    field: str
    user_id: str
    environment: str
    orgkey: str

    def encode(self) -> bytes:
        """Return bytes that no other context has."""
        return _encoded(self)


@lru_cache(maxsize=1024)
def _encoded(context: Context) -> bytes:
    return json.dumps([f"actionstep_connect {FORMAT}", *context]).encode()


def key_id(key: bytes) -> str:
    """Return the short public name of a master key, which reveals nothing of the key."""
    return sha256(b"actionstep_connect key id\0" + key).hexdigest()[:8]


def read_key_id(envelope: str) -> str:
    """Return the name of the key that `envelope` says it needs, without opening it; else nothing."""
    match = _PREFIX.match(envelope)
    return match["key_id"] if match else ""


class MasterKey:
    """A master key that shows its name and nothing else, because error pages print every variable."""

    __slots__ = ("_key", "id")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.id = key_id(key)

    def __repr__(self) -> str:
        return f"<MasterKey {self.id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A MasterKey is neither pickled nor copied.")

    def derive_cipher(self, info: bytes) -> "AESGCM":
        """Return the cipher of one context (HKDF, RFC 5869)."""
        aead = _aead()
        derivation = aead.HKDF(aead.SHA256(), length=KEY_BYTES, salt=None, info=info)
        cipher: AESGCM = aead.AESGCM(derivation.derive(self._key))
        return cipher


class KeyRing:
    """Master keys in order: the first seals, all open."""

    def __init__(self, keys: Sequence[MasterKey]) -> None:
        self._keys = {key.id: key for key in keys}
        self._sealing_key = keys[0]

    def __repr__(self) -> str:
        return f"<KeyRing {', '.join(self._keys)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A KeyRing is neither pickled nor copied: ask get_key_ring() for it.")

    @classmethod
    def from_encoded(cls, keys: Sequence[str | Secret | None]) -> Self:
        """Build a ring from base64url keys. Raises ValueError if one is not 32 bytes."""
        return cls([MasterKey(decode_key(key)) for key in keys])

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Return the names of all keys, the sealing one first."""
        return tuple(self._keys)

    def seal(self, secret: Secret, context: Context) -> str:
        """Return `secret` in an envelope that opens only with this ring and the same context."""
        associated_data = context.encode()
        nonce = os.urandom(NONCE_BYTES)
        cipher = _derive_cipher(self._sealing_key, associated_data)
        ciphertext = cipher.encrypt(nonce, secret.reveal().encode(), associated_data)
        body = base64.urlsafe_b64encode(nonce + ciphertext).decode()
        return f"{FORMAT}.{self._sealing_key.id}.{body}"

    def open(self, envelope: str, context: Context) -> Secret:
        """Return what was sealed, and never anything else.

        Raises DecryptionFailed, with the code `unreadable` where no other key could open it either.
        """
        match = _PREFIX.match(envelope)
        if match is None:
            code = ErrorCode.UNREADABLE if self._is_beyond_any_key(envelope) else ""
            raise DecryptionFailed(
                "The stored value is not an envelope of this package.", code=code
            )
        master_key = self._keys.get(match["key_id"])
        if master_key is None:
            raise DecryptionFailed(
                f"The stored value needs key {match['key_id']!r}, which ENCRYPTION_KEYS lacks. "
                "Add that key back."
            )
        try:
            return _decrypt(envelope[match.end() :], master_key, context.encode())
        except (_aead().InvalidTag, ValueError) as error:
            raise DecryptionFailed(
                "The stored value was altered or cut short, or belongs to another field, user, "
                "organisation or environment.",
                code=ErrorCode.UNREADABLE,
            ) from error

    def _is_beyond_any_key(self, malformed: str) -> bool:
        if name := read_key_id(malformed):
            return name in self._keys
        return not _OTHER_FORMAT.match(malformed)


def _decrypt(body: str, master_key: MasterKey, associated_data: bytes) -> Secret:
    sealed = base64.urlsafe_b64decode(body)
    if base64.urlsafe_b64encode(sealed).decode() != body:
        raise ValueError("not the one spelling of these bytes")
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise ValueError("too short to hold a nonce and a tag")
    cipher = _derive_cipher(master_key, associated_data)
    plaintext = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
    return Secret(plaintext.decode())


@lru_cache(maxsize=1024)
def _derive_cipher(master_key: MasterKey, info: bytes) -> "AESGCM":
    return master_key.derive_cipher(info)


def _aead() -> Any:
    return import_module("actionstep_connect.aead")  # Which says why so late.


def fetch_keys() -> tuple[Secret | None, ...]:
    """Return ENCRYPTION_KEYS; where it is a dotted path, call what it leads to, once per process.

    None stands for what is not text. Raises TemporarilyUnavailable (`keys_unavailable`) if that
    callable, or its module, fails.
    """
    keys = get_config().encryption_keys
    if not isinstance(keys, str):
        return keys
    with _fetching:
        return _fetch_keys(keys)


_fetching = threading.Lock()


def _after_fork() -> None:
    global _fetching  # noqa: PLW0603 - one held at the fork would stay held in the child.
    _fetching = threading.Lock()


after_fork(_after_fork)


@cache
def _fetch_keys(path: str) -> tuple[Secret | None, ...]:
    try:
        return wrap_keys(import_string(path)())
    except Exception as error:  # noqa: BLE001 - a site's own callable may raise anything.
        failure = type(error).__name__
    # Without that error, whose message or frames might hold a key, or the password of a vault.
    raise TemporarilyUnavailable(
        f"The callable in {SETTING}['ENCRYPTION_KEYS'] raised {failure}.",
        code=ErrorCode.KEYS_UNAVAILABLE,
    )


@cache
def get_key_ring() -> KeyRing:
    """Return the site's key ring.

    Raises ImproperlyConfigured if a callable returns anything but keys, and TemporarilyUnavailable
    if it fails.
    """
    try:
        return KeyRing.from_encoded(fetch_keys())
    except (TypeError, ValueError, IndexError):
        pass  # Whose frames hold the keys.
    raise ImproperlyConfigured(
        f"{SETTING}['ENCRYPTION_KEYS'] did not give a list of base64url keys of {KEY_BYTES} bytes."
    )


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        get_key_ring.cache_clear()
        _fetch_keys.cache_clear()
