"""The files that a page of the documentation asks its reader to write."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def lines_for(file: str, page: str) -> str:
    """Return what `page` (``README.md``, ``docs/…``) puts into a file."""
    text = (ROOT / page).read_text()
    found = re.search(rf"<!-- file: {re.escape(file)} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"{page} has no block for {file}"
    return found[1]


def module_of(file: str, page: str) -> Any:
    """Return a module with the code that `page` puts into a file."""
    module = ModuleType(file.removesuffix(".py"))
    exec(compile(lines_for(file, page), file, "exec"), vars(module))
    return module
