"""The files that a page of the documentation asks its reader to write."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lines_for(file: str, page: str) -> str:
    """Return what `page` (``README.md``, ``docs/…``) puts into a file."""
    text = (ROOT / page).read_text()
    found = re.search(rf"<!-- file: {re.escape(file)} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"{page} has no block for {file}"
    return found[1]
