"""The comparison as Markdown, to be pasted into an issue."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version

from actionstep_connect.management.comparison.compare import Outcome


def report(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Return the lines: what differs first, then what does not and what was not compared."""
    found = list(outcomes)
    different = [one for one in found if one.differences]
    alike = [one.name for one in found if not one.differences and not one.skipped]
    yield "## Actionstep compared with the sandbox's facts"
    yield ""
    yield f"django-actionstep-connect {version('django-actionstep-connect')}. Names and types only."
    for one in different:
        yield ""
        yield f"### {one.name}"
        yield ""
        yield from (f"- {difference}" for difference in one.differences)
    yield ""
    yield f"As described: {', '.join(alike) or 'none'}."
    if skipped := [one for one in found if one.skipped]:
        yield ""
        yield "Not compared:"
        yield ""
        yield from (f"- {one.name}: {one.skipped}" for one in skipped)
    if headers := sorted({name for one in found for name in one.headers}):
        yield ""
        yield f"Headers that are not usual: {', '.join(headers)}."
