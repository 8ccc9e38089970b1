"""Sizes: modules and functions stay as small as they can be read at once."""

import ast
from pathlib import Path
from statistics import median, quantiles

PACKAGE = Path(__file__).parents[2] / "actionstep_connect"
#: Written by scripts/make_rows.py from Actionstep's own description: tables that a type checker reads.
GENERATED = {"client/rows.py", "client/members.py"}

MAX_LINES = 400
MAX_MEDIAN = 100
#: Lines of a function, docstring included, that nine in ten do not exceed.
MAX_FUNCTION = 18


def modules() -> dict[str, str]:
    """Return the source of each module by its path, without migrations, which Django writes."""
    return {
        name: file.read_text()
        for file in sorted(PACKAGE.rglob("*.py"))
        if "migrations/" not in (name := file.relative_to(PACKAGE).as_posix())
    }


def test_no_module_is_long() -> None:
    """None has more than 400 lines, and half of them have no more than 100."""
    lines = {name: len(text.splitlines()) for name, text in modules().items()}
    assert set(lines) >= GENERATED
    assert {
        name for name, count in lines.items() if count > MAX_LINES and name not in GENERATED
    } == set()
    assert median(lines.values()) <= MAX_MEDIAN


def test_functions_fit_a_screen() -> None:
    """Nine in ten have no more than 18 lines."""
    lengths = [
        node.end_lineno - node.lineno + 1
        for text in modules().values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]
    assert quantiles(lengths, n=10)[-1] <= MAX_FUNCTION
