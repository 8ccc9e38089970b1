"""The directive ``floor-plan``: the layers of the code, drawn from the contract that holds them."""

import tomllib
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def floors(contract: str) -> list[list[str]]:
    """Return the layers of one of import-linter's contracts, the highest first."""
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["id"] == contract]
    return [[room.strip() for room in layer.split("|")] for layer in layers]


class FloorPlan(SphinxDirective):
    """One contract as a picture: a row for each layer, a box for each module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the picture. It is made of text, so that it fits every screen and can be read out."""
        self.env.note_dependency(str(PYPROJECT))
        rows = "".join(
            f"<li><ul>{''.join(f'<li><code>{escape(room)}</code></li>' for room in floor)}</ul></li>"
            for floor in floors(self.arguments[0])
        )
        return [nodes.raw("", f'<ol class="floor-plan">{rows}</ol>', format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect this to Sphinx."""
    app.add_directive("floor-plan", FloorPlan)
    return {"parallel_read_safe": True}
