"""The table of resources in ``docs/sandbox.md``: ``python -m tests.support.resource_table`` prints it."""

import sys
from collections.abc import Iterable

from actionstep_connect.sandbox.facts.resource import Resource
from actionstep_connect.sandbox.facts.table import RESOURCES

HEAD = (
    "| Resource | Sure | All rows | One row | Members | Links | POST requires |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NONE = "-"


def lines() -> list[str]:
    """Return the table as the facts have it, line by line."""
    return [*HEAD, *map(_line, RESOURCES.values())]


def _line(resource: Resource) -> str:
    body = resource.creation
    required = sorted(body.required) + sorted(body.required_links) if body else []
    cells = (
        f"`{resource.name}`",
        resource.sure,
        _verbs(resource.verbs),
        _verbs(resource.row_verbs),
        str(len(resource.members)),
        _names(resource.links),
        _names(required),
    )
    return f"| {' | '.join(cells)} |"


def _verbs(verbs: frozenset[str]) -> str:
    return ", ".join(sorted(verbs, key=VERBS.index)) or NONE


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or NONE


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
