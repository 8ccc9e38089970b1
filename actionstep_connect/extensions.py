"""What another app of this package adds to the core, which imports none of them.

Such an app registers an Extension when Django starts. Its parts are named by dotted paths and imported
when they are needed, so that registering costs nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.module_loading import import_string

from actionstep_connect.logs import LogEvent, log


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """The parts of one app. Each is the dotted path of a function."""

    name: str
    #: `(should_stop)`: called after each round of maintenance, once that has stored everything.
    maintain: str
    #: `(connection)`: called before a user or an administrator ends a connection.
    before_ending: str
    #: `()`: yields findings for the doctor.
    check: str
    #: `()`: returns the values of `gauges` by name; of one with a label, by the label's value.
    measure: str
    #: The names of its Celery tasks.
    tasks: tuple[str, ...] = ()
    #: The label, or nothing, and the text of each metric.
    gauges: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)


_extensions: dict[str, Extension] = {}


def register(extension: Extension) -> None:
    """Add an extension; once, however often it is registered."""
    _extensions[extension.name] = extension


def extensions() -> list[Extension]:
    """Return all extensions."""
    return list(_extensions.values())


def part_of(extension: Extension, part: str) -> Callable[..., Any]:
    """Import a part of an extension."""
    imported: Callable[..., Any] = import_string(getattr(extension, part))
    return imported


def call_each(part: str, *arguments: Any) -> None:
    """Call a part of each extension. One that raises is logged, and the caller goes on."""
    for extension in _extensions.values():
        try:
            part_of(extension, part)(*arguments)
        except Exception as error:  # noqa: BLE001 - what the core does must not fail with it.
            log(
                logging.ERROR,
                LogEvent.EXTENSION_FAILED,
                part=f"{extension.name}.{part}",
                error=type(error).__name__,
                with_traceback=True,
            )
