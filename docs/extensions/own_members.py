"""The reference shows what this package adds to a class, and not what httpx2 or Django brought."""

import re
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_annotation
from sphinx.application import Sphinx

PACKAGE = "actionstep_connect"
#: What every model has; Django's documentation is about them.
#: A column of a model, as type checkers know it: what may be written, and what is read.
COLUMN = re.compile(r"[\w.]*Field\[.+?, (?P<read>\w+(?:\[.+\])?(?: \| None)?)\]")
OF_MODELS = ("DoesNotExist", "MultipleObjectsReturned", "NotUpdated")


def skip(
    _app: Sphinx, _kind: str, name: str, member: Any, is_skipped: bool, _options: object
) -> bool | None:
    """Leave out what was inherited from elsewhere."""
    function = getattr(member, "fget", member)
    origin = getattr(function, "__module__", None) or PACKAGE
    is_foreign = callable(function) and not origin.startswith(PACKAGE)
    return True if is_skipped or is_foreign or name in OF_MODELS else None


def show_what_is_read(_app: Sphinx, _domain: str, kind: str, content: nodes.Element) -> None:
    """Show of a model's column the type of what is read from it, in place of the column's own."""
    signature = content.parent[0] if kind == "attribute" else None
    if not isinstance(signature, nodes.Element) or not signature.get("module"):
        return
    model, _, name = signature["fullname"].rpartition(".")
    columns = getattr(import_module(signature["module"]), model).__annotations__
    if found := COLUMN.fullmatch(str(columns.get(name))):
        (annotation,) = signature.findall(desc_annotation)
        annotation.clear()
        annotation.append(nodes.Text(f": {found['read']}"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect this to Sphinx."""
    app.connect("autodoc-skip-member", skip)
    app.connect("object-description-transform", show_what_is_read)
    return {"parallel_read_safe": True}
