"""A type for what must never be shown: tokens, codes, verifiers, the client secret, keys."""

import hmac
from typing import NoReturn


class Secret:
    """A value that does not show: `reveal()` is the one way to read it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. The caller answers for where it goes."""
        return self._value

    def __repr__(self) -> str:
        return "<Secret>"

    def __str__(self) -> str:
        return "<Secret>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret is neither pickled nor copied: seal it instead.")
