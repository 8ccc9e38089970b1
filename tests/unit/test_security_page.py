"""SECURITY.md: every threat is answered by a test that exists, and every such test belongs to a threat."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
ROW = re.compile(
    r"^\| S(?P<number>\d+) \| [^|]+ \| [^|]+ \| \[`(?P<test>\w+)`\]\((?P<file>[\w/.]+)\) \|$",
    re.MULTILINE,
)
TEST = re.compile(r"^(?:async )?def test_s(\d+)_", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#([\w-]+))?\)")


def test_each_threat_has_one_row_with_a_test_of_its_number() -> None:
    """The rows count up, and each links to a test that is there and bears its number."""
    rows = list(ROW.finditer(PAGE))
    assert len(rows) == len(re.findall(r"^\| S\d", PAGE, re.MULTILINE))
    numbers = [int(row["number"]) for row in rows]
    assert numbers == sorted(set(numbers))
    for row in rows:
        assert row["test"].startswith(f"test_s{row['number']}_")
        assert re.search(rf"^def {row['test']}\(", (ROOT / row["file"]).read_text(), re.MULTILINE)


def test_each_numbered_test_belongs_to_a_threat() -> None:
    """A test with a number that the page does not know fails here, until its threat has a row."""
    files = (ROOT / "tests").rglob("test_*.py")
    tested = {number for file in files for number in TEST.findall(file.read_text())}
    assert tested == {row["number"] for row in ROW.finditer(PAGE)}


def test_links_lead_somewhere() -> None:
    """Each link inside the repository leads to a file, and to a heading in it."""
    for file, heading in LINK.findall(PAGE):
        text = (ROOT / file).read_text()
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert not heading or heading in {title.lower().replace(" ", "-") for title in titles}
