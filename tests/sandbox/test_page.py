"""``docs/sandbox.md`` says what is true of the sandbox, and each fact has its proof."""

import ast
import re
from pathlib import Path

from actionstep_connect.sandbox.faults import KINDS
from actionstep_connect.sandbox.options import Options
from actionstep_connect.sandbox.practice.people import MEMBERS
from actionstep_connect.sandbox.rest.special import SPECIAL
from actionstep_connect.sandbox.views.switches import SWITCHES
from tests.support import resource_table

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs" / "sandbox.md").read_text()
#: What they prove is about Actionstep; the others are about the sandbox itself.
CONFORMANCE = (
    "test_access.py",
    "test_authorize.py",
    "test_errors.py",
    "test_files.py",
    "test_hooks.py",
    "test_reading.py",
    "test_refresh.py",
    "test_resources.py",
    "test_token.py",
    "test_writing.py",
)
#: Proofs of how well it is made, rather than of what Actionstep does.
OUR_OWN = {
    "test_a_form_of_another_site_is_refused",
    "test_a_parameter_that_comes_twice_is_never_redirected",
    "test_a_wrong_password_signs_nobody_in",
    "test_an_organisation_of_others_cannot_be_chosen",
    "test_fifty_at_once_are_all_answered",
    "test_fifty_requests_at_once_are_answered",
    "test_filters_and_order_are_for_rows_by_their_ids_too",
    "test_a_matter_is_renamed_at_the_console",
    "test_rows_are_changed_as_a_colleague_would",
    "test_memory_stays_flat_however_large_a_file_is",
    "test_its_cookies_are_not_those_of_a_site",
    "test_pages_are_kept_out_of_caches_and_frames",
    "test_the_rows_are_the_same_at_every_start",
    "test_writers_at_once_lose_nothing",
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables under a heading, headings of columns and rules left out."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"^\|[^\n]*\|\n\| ---.*\n((?:\|.*\n?)+)", section, re.MULTILINE)
    lines = "".join(tables).splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names_in(*files: str) -> set[str]:
    """Return the names of the test functions in these files."""
    modules = [ast.parse((HERE / file).read_text()) for file in files]
    return {
        node.name
        for module in modules
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_fact_has_its_proof_and_every_proof_its_fact() -> None:
    """Each row names tests that exist, and no conformance test is missing from the page."""
    facts = rows("What it knows of Actionstep")
    named: set[str] = set()
    for fact, sure, proofs in facts:
        assert sure in {"doc", "official", "seen", "one", "?"}, fact
        found = set(re.findall(r"`(test_\w+)`", proofs))
        assert found, fact
        named |= found
    everywhere = names_in(*(path.name for path in HERE.glob("test_*.py")))
    assert named <= everywhere, named - everywhere
    assert names_in(*CONFORMANCE) == (named & names_in(*CONFORMANCE)) | OUR_OWN


def test_the_page_lists_every_option_with_its_default() -> None:
    """Names, order and defaults are those of the code."""
    listed = [
        (name.strip("`"), ast.literal_eval(default.strip("`")))
        for name, default, _ in rows("Options")
    ]
    fields = Options.__dataclass_fields__.values()
    assert listed == [(field.name, field.default) for field in fields]


def test_the_page_has_every_resource_as_the_facts_have_it() -> None:
    """Verbs, members, links, what a POST requires and how sure it is come from the facts."""
    section = PAGE.partition("## Resources\n")[2].partition("\n## ")[0]
    listed = [line for line in section.splitlines() if line.startswith("|")]
    assert listed == resource_table.lines()
    assert set(re.findall(r"`([\w-]+)`", section.splitlines()[-1])) == set(SPECIAL)


def test_the_page_lists_every_switch_fault_and_person() -> None:
    """No one must read the code to know what can be asked for."""
    assert {row[0].strip("`") for row in rows("Switches")} == set(SWITCHES)
    faults = {name for row in rows("Faults") for name in re.findall(r"`(\w+)`", row[0])}
    assert faults - {"status_503"} == set(KINDS)
    people = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows("People")}
    assert people == {member.username: list(member.firms) for member in MEMBERS}
