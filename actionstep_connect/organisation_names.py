"""Organisations' names, which Actionstep's users write: made harmless where they come in, and shown."""

import unicodedata

from django.utils.translation import gettext as _

from actionstep_connect.orgkeys import same_orgkey

MAX_NAME = 100
#: Of what comes. The rest is not looked at.
MAX_READ = 1000
#: More on one letter than any language writes would cover the lines above and below.
MAX_MARKS = 3

_FIRST_STRONG_ISOLATE, _POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def readable_name(value: object) -> str:
    """Return `value` as one line of at most MAX_NAME printable characters, or nothing if it is no text.

    Control and format characters are left out, those that turn lines of text round among them.
    """
    if not isinstance(value, str):
        return ""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", value[:MAX_READ]):
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if category.startswith("Z") or character.isspace():
            kept.append(" ")
        elif not category.startswith("C") and marks <= MAX_MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())[:MAX_NAME].rstrip()


def shown_organisation(orgkey: str, name: str) -> str:
    """Return how people read of an organisation: its name, with its key, because names may be alike."""
    if not name or same_orgkey(name, orgkey):
        return name or orgkey
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in name):
        # So that it does not draw what stands beside it to its other side.
        name = f"{_FIRST_STRONG_ISOLATE}{name}{_POP_DIRECTIONAL_ISOLATE}"
    return _("%(name)s (%(orgkey)s)") % {"name": name, "orgkey": orgkey}
