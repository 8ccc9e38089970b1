"""tests/support: what tests share stands there and nowhere else, and its page names it all."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
SUPPORT = TESTS / "support"
ROW = re.compile(r"^\| \[`(\w+)`\]\(([\w/.]+)\) \| .+ \|$", re.MULTILINE)


def imported(file: Path) -> set[str]:
    """Return the names of all modules, and of what is taken from them, that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_no_module_imports_from_a_test_module_or_a_conftest() -> None:
    """What two test modules need stands in tests/support; pytest alone imports the others."""
    wrong = [
        f"{file.relative_to(TESTS)} imports {name}"
        for file in TESTS.rglob("*.py")
        for name in imported(file)
        if re.search(r"^tests\..*\b(test_\w+|conftest)\b", name)
    ]
    assert not wrong, f"move what is shared to tests/support: {wrong}"


def test_the_page_names_every_module_of_the_folder() -> None:
    """README.md has one row for each module and folder, and no row without one."""
    rows = {target: name for name, target in ROW.findall((SUPPORT / "README.md").read_text())}
    there = {each.name for each in SUPPORT.glob("*.py") if each.name != "__init__.py"}
    there |= {f"{each.name}/" for each in SUPPORT.iterdir() if each.is_dir()} - {"__pycache__/"}
    assert set(rows) == there
    assert all(target.removesuffix(".py").rstrip("/") == name for target, name in rows.items())
