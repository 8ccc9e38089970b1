"""Write the modules that know the members of Actionstep's resources, from the facts of the sandbox.

    uv run python scripts/make_rows.py          write them
    uv run python scripts/make_rows.py --check  fail if they are not up to date

`client/rows.py` has a TypedDict for the rows of each resource, for editors and type checkers;
`client/members.py` has what the client looks up while it runs.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from pathlib import Path

from actionstep_connect.sandbox.facts.resource import Kind, Link, Member, Resource
from actionstep_connect.sandbox.facts.table import RESOURCES

FOLDER = Path(__file__).resolve().parents[1] / "actionstep_connect" / "client"
ORIGIN = "Written by scripts/make_rows.py from the facts of the sandbox; do not edit."
TYPES: Mapping[Kind, str] = {
    Kind.INTEGER: "int",
    Kind.NUMBER: "float",
    Kind.BOOLEAN: 'Literal["T", "F"]',
}
CONVERTED = (Kind.BOOLEAN, Kind.TIMESTAMP, Kind.DATE, Kind.TIME)

#: Method, what it gives, and what else it takes.
METHODS = (
    ("iterate", "Iterator", ""),
    ("aiterate", "AsyncIterator", ""),
    ("changes", "Changes", "since: datetime | None, stamp: str | None = None, "),
    ("achanges", "AsyncChanges", "since: datetime | None, stamp: str | None = None, "),
)


def name_of(resource: Resource, suffix: str) -> str:
    """Return the name of a type: `ActionsRow`."""
    return f"{resource.name.capitalize()}{suffix}"


def type_of(resource: Resource, member: Member) -> str:
    """Return the type of a member; without null only where Actionstep requires a value."""
    text = TYPES.get(member.kind, "str")
    if member.choices and member.kind == Kind.TEXT:
        text = f"Literal[{', '.join(map(quoted, member.choices))}]"
    required = resource.creation.required if resource.creation else frozenset()
    return text if member.name in {"id", *required} else f"{text} | None"


def type_of_link(link: Link) -> str:
    """Return the type of a link: an id as text, or some."""
    if link.is_array:
        return "list[str]"
    return "list[str] | None" if link.is_list else "str | None"


def quoted(text: str) -> str:
    """Return a text as Python's source has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typed_dict(name: str, about: str, members: Mapping[str, str]) -> Iterator[str]:
    """Return the lines of a TypedDict."""
    if all(each.isidentifier() and not iskeyword(each) for each in members):
        yield f"class {name}(TypedDict):"
        yield f'    """{about}"""'
        yield ""
        yield from (f"    {member}: {kind}" for member, kind in members.items())
    else:
        inside = ", ".join(f"{quoted(member)}: {kind}" for member, kind in members.items())
        yield f'{name} = TypedDict("{name}", {{{inside}}})'
    yield ""


def types() -> Iterator[str]:
    """Return the lines of `rows.py`."""
    yield f'"""The rows of the resources that Actionstep publishes, as types.\n\n{ORIGIN}\n"""'
    yield "# A name and `include` or `convert` fit several signatures, of which the first counts."
    yield '# mypy: disable-error-code="overload-overlap"'
    yield "from collections.abc import AsyncIterator, Iterator"
    yield "from datetime import datetime"
    yield "from typing import Any, Literal, TypedDict, overload"
    yield "from actionstep_connect.client.answers import Row"
    yield "from actionstep_connect.client.changes import AsyncChanges, Changes"
    yield "from actionstep_connect.client.conversation import AsyncConversing, Conversing"
    yield "from actionstep_connect.client.linked import LinkedRow"
    for resource in RESOURCES.values():
        members = {name: type_of(resource, each) for name, each in resource.members.items()}
        if resource.links:
            links = {name: type_of_link(link) for name, link in resource.links.items()}
            yield from typed_dict(
                name_of(resource, "Links"), f"What a row of `{resource.name}` is linked to.", links
            )
            members["links"] = name_of(resource, "Links")
        yield from typed_dict(
            name_of(resource, "Row"), f"A row of Actionstep's `{resource.name}`.", members
        )
    yield from reading("TypedReading", "Conversing", METHODS[0], METHODS[2])
    yield from reading("AsyncTypedReading", "AsyncConversing", METHODS[1], METHODS[3])


def reading(name: str, base: str, *methods: tuple[str, str, str]) -> Iterator[str]:
    """Return the lines of a class whose methods are typed by the name of the resource."""
    yield f"class {name}({base}):"
    yield '    """What reads rows, typed by the name of their resource."""'
    for method, given, more in methods:
        variants = [
            ("str", "include: str, convert: bool = False, ", "LinkedRow"),
            ("str", "convert: bool, ", "Row"),
            *((f'Literal["{each.name}"]', "", name_of(each, "Row")) for each in RESOURCES.values()),
            ("str", "", "Row"),
        ]
        for resource, keywords, row in variants:
            yield "    @overload"
            named = f"*, {more}{keywords}" if more or keywords else ""
            taken = f"self, resource: {resource}, {named}**params: Any"
            yield f"    def {method}({taken}) -> {given}[{row}]: ..."
        yield f"    def {method}(self, resource: str, **params: Any) -> {given}[Any]:"
        yield "        raise NotImplementedError"


def members() -> Iterator[str]:
    """Return the lines of `members.py`."""
    yield f'"""What the client knows of the members of published resources.\n\n{ORIGIN}\n"""'
    yield "from collections.abc import Mapping"
    yield "#: The members that are more than text and numbers: boolean, timestamp, date or time."
    yield "KINDS: Mapping[str, Mapping[str, str]] = {"
    for resource in RESOURCES.values():
        kinds = {n: str(m.kind) for n, m in resource.members.items() if m.kind in CONVERTED}
        if kinds:
            yield f"    {quoted(resource.name)}: {{"
            yield from (f"        {quoted(name)}: {quoted(kind)}," for name, kind in kinds.items())
            yield "    },"
    yield "}"
    yield "#: The resource that a link leads to."
    yield "LINKS: Mapping[str, Mapping[str, str]] = {"
    for resource in RESOURCES.values():
        if resource.links:
            yield f"    {quoted(resource.name)}: {{"
            for name, link in resource.links.items():
                yield f"        {quoted(name)}: {quoted(link.resource)},"
            yield "    },"
    yield "}"


def formatted(lines: Iterator[str], path: Path) -> str:
    """Return the module as ruff would write it."""
    text = "\n".join(lines) + "\n"
    for command in (["check", "--fix", "--exit-zero", "--select", "I"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", f"--stdin-filename={path}", "-"]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text


def main() -> int:
    """Write both modules, or compare them; return the exit code."""
    stale = []
    for path, lines in ((FOLDER / "rows.py", types()), (FOLDER / "members.py", members())):
        text = formatted(lines, path)
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.name)
        if "--check" not in sys.argv[1:]:
            path.write_text(text)
    if stale and "--check" in sys.argv[1:]:
        print(f"Not up to date: {', '.join(stale)}. Run scripts/make_rows.py.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
