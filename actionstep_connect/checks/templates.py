"""The check of the site's own frame around the pages."""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.template import NodeList, Template, TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.template.loader_tags import BlockNode, ExtendsNode

from actionstep_connect.check_ids import CheckId

BASE = "actionstep_connect/base.html"
#: Without them a page has no style, or nothing at all, and does not lead to Actionstep.
NEEDED = ("head", "content")


def check_base_template(**_: Any) -> list[CheckMessage]:
    """Name the blocks that the site's frame lacks: what the pages put there is shown nowhere."""
    found = _blocks(BASE)
    lacking = [name for name in NEEDED if found is not None and name not in found]
    if not lacking:
        return []
    return [
        checks.Warning(
            f"{BASE} has no block {' and no block '.join(lacking)}: what the pages put there is not shown.",
            hint=f"Add {' and '.join(f'{{% block {name} %}}{{% endblock %}}' for name in lacking)} to it, "
            "inside a block that it inherits if it extends another template.",
            id=CheckId.BASE_LACKS_BLOCKS.full,
        )
    ]


def _blocks(name: str, seen: frozenset[str] = frozenset()) -> set[str] | None:
    """Return the blocks that a template shows; None where that is known only when it is rendered."""
    try:
        template: Any = getattr(get_template(name), "template", None)
    except (TemplateDoesNotExist, TemplateSyntaxError):
        return None  # Each page says so itself.
    if not isinstance(template, Template) or name in seen:
        return None
    extending: list[Any] = template.nodelist.get_nodes_by_type(ExtendsNode)
    if not extending:
        return _names(template.nodelist)
    parent: Any = extending[0].parent_name.var
    shown = _blocks(parent, seen | {name}) if isinstance(parent, str) else None
    if shown is None:
        return None
    for block in extending[0].nodelist:  # What stands outside of an inherited block is not shown.
        if isinstance(block, BlockNode) and block.name in shown:
            shown |= _names(block.nodelist)
    return shown


def _names(nodes: NodeList) -> set[str]:
    blocks: list[Any] = nodes.get_nodes_by_type(BlockNode)
    return {block.name for block in blocks}
