"""The long description and the addresses of the package, made from README.md and one constant.

On a package index a relative link leads nowhere. With `repository` in ``[tool.hatch.metadata.hooks.custom]``
of pyproject.toml, links and pictures lead there; while it is empty, links become plain text and pictures
are left out.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def long_description(text: str, repository: str) -> str:
    """Return a page of this repository for readers who are elsewhere."""

    def moved(link: re.Match[str]) -> str:
        picture, target = link["picture"], link["target"]
        if target.startswith(("http://", "https://", "mailto:", "#")):
            return link[0]
        if not repository:
            return "" if picture else link["text"]
        kind = "raw" if picture else "blob"
        return f"{picture}[{link['text']}]({urljoin(f'{repository}/', f'{kind}/main/{target}')})"

    return LINK.sub(moved, text)


def addresses(repository: str) -> dict[str, str]:
    """Return the addresses that an index shows."""
    if not repository:
        return {}
    places = {
        "Documentation": "tree/main/docs",
        "Changelog": "blob/main/CHANGELOG.md",
        "Issues": "issues",
        "Security": "security/policy",
        "Source": "",
    }
    return {name: urljoin(f"{repository}/", place).rstrip("/") for name, place in places.items()}


class Hook(MetadataHookInterface):
    """What hatchling asks when it builds."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what pyproject.toml leaves to this file."""
        repository = self.config["repository"].rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": long_description(text, repository),
        }
        metadata["urls"] = addresses(repository)


def get_metadata_hook() -> type[Hook]:
    """Return the one hook of this file."""
    return Hook
