"""Each public name has its entry in the reference: else the build of the site warns, and fails."""

from collections.abc import Iterator
from importlib import import_module
from inspect import getmembers

from django.dispatch import Signal
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

#: What sites may import; everything else may be renamed by any release.
MODULES = (
    "actionstep_connect.api",
    "actionstep_connect.exceptions",
    "actionstep_connect.hooks.api",
    "actionstep_connect.models",
    "actionstep_connect.schedule",
    "actionstep_connect.signals",
    "actionstep_connect.testing",
)
#: The same, where another package is installed. Some of those have no types.
CONTRIB = (
    "actionstep_connect.contrib.ninja",
    "actionstep_connect.contrib.prometheus",
    "actionstep_connect.contrib.rest_framework",
)
logger = logging.getLogger(__name__)


def public_names(module: str) -> Iterator[str]:
    """Yield the names that a module makes public: `__all__`, or what is defined in it."""
    found = import_module(module)
    for name, value in getmembers(found):
        is_own = isinstance(value, Signal) or getattr(value, "__module__", module) == module
        is_public = name in found.__all__ if hasattr(found, "__all__") else is_own
        if is_public and not name.startswith("_"):
            yield name


def check(_: Sphinx, environment: BuildEnvironment) -> None:
    """Warn of each public name without an entry."""
    entries = environment.domains.python_domain.objects
    for module in (*MODULES, *CONTRIB):
        for name in public_names(module):
            if f"{module}.{name}" not in entries:
                logger.warning("%s.%s has no entry in the reference", module, name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect this to Sphinx."""
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True}
