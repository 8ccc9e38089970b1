"""The sandbox's facts, read as data: nothing of the sandbox is imported."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from actionstep_connect.scopes import ALL

FILES = ("published.json", "beside.json")

OTHER_SCOPES: Mapping[str, tuple[str, ...]] = {"timeentries": ("timerecords",)}
"""Scopes that may open a resource of another name; which one does is unproven."""

LISTS = frozenset({"primaryParticipants", "relatedActions"})
"""Links recorded as lists, whatever the published type says."""


@dataclass(frozen=True)
class Described:
    """One resource as the facts describe it."""

    name: str
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def is_list(self, link: str) -> bool:
        """Return whether a link leads to several rows."""
        return link in LISTS or self.links[link].get("type") == "array"


def resources() -> list[Described]:
    """Return every resource that can be listed, by name."""
    facts: dict[str, dict[str, Any]] = {}
    folder = files("actionstep_connect").joinpath("sandbox", "facts")
    for file in FILES:
        for name, more in json.loads(folder.joinpath(file).read_text()).items():
            facts[name] = {**facts.get(name, {}), **more}
    return [
        _described(name, facts[name]["row"])
        for name in sorted(facts)
        if "get" in facts[name]["paths"].get(f"/{name}", ())
    ]


def within(scopes: Iterable[str], found: Iterable[Described]) -> list[Described]:
    """Return the resources that these scopes reach."""
    granted = set(scopes)
    return [
        one
        for one in found
        if not granted.isdisjoint({ALL, one.name, *OTHER_SCOPES.get(one.name, ())})
    ]


def _described(name: str, row: Mapping[str, Any]) -> Described:
    members = {
        key: fact for key, fact in row.items() if key != "links" and not fact.get("onRequest")
    }
    return Described(name, members, row.get("links", {}).get("members", {}))
