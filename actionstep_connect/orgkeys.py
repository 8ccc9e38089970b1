"""Organisations' keys, as Actionstep names them, and the one way in which two are compared."""

MAX_ORGKEY = 100


def is_orgkey(value: str) -> bool:
    """Return whether `value` can be an organisation's key: up to 100 printable characters, no blank.

    Every database stores such a key, and no page is turned round by it.
    """
    return 0 < len(value) <= MAX_ORGKEY and value.isprintable() and " " not in value


def same_orgkey(one: str, other: str) -> bool:
    """Return whether both name one organisation, without regard to case.

    No database is asked, because each would fold other letters.
    """
    return folded(one) == folded(other)


def folded(orgkey: str) -> tuple[str, str]:
    """Return what all spellings of a key have in common.

    Both lower and upper case must agree: a dotless i is no i, a Kelvin sign no K, and `ss` no sharp s.
    """
    return orgkey.lower(), orgkey.upper()
