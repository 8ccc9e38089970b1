"""What a package index shows of this package."""

import re

import pytest

from hatch_build import addresses, long_description
from tests.support.documents import ROOT

README = (ROOT / "README.md").read_text()
REPOSITORY = "https://forge.example/owner/name"
TARGET = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("repository", ["", REPOSITORY])
def test_the_long_description_has_no_relative_link(repository: str) -> None:
    """Each of its links works where the README's neighbours are not."""
    text = long_description(README, repository)
    assert all(target.startswith(("http", "#")) for target in TARGET.findall(text))
    assert ("](docs/" in README, "](docs/" in text) == (True, False)


def test_links_and_pictures_lead_to_the_repository() -> None:
    """With an address, a link shows its page there, and a picture is loaded from there."""
    text = long_description(README, REPOSITORY)
    assert f"]({REPOSITORY}/blob/main/docs/tutorial.md)" in text
    assert f"]({REPOSITORY}/raw/main/docs/images/time-records.png)" in text
    assert all(each.startswith(REPOSITORY) for each in addresses(REPOSITORY).values())
    assert addresses("") == {}
