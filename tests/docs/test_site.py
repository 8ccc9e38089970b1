"""The documentation's site, built as readers get it."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sphinx.util.inventory import InventoryFile

from actionstep_connect.models import Status, StatusReason
from docs.extensions.floor_plan import floors
from docs.extensions.public_names import CONTRIB, MODULES, public_names
from tests.support.documents import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Build the site once for all workers; a warning is an error."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared if worker_id == "master" else shared.parent) / "site"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        options = ["-q", "-W", "--keep-going", "-b", "dirhtml"]
        sphinx = [
            sys.executable,
            "-m",
            "sphinx",
            *options,
            str(ROOT / "docs"),
            str(folder / "html"),
        ]
        done = subprocess.run(sphinx, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


class Links(HTMLParser):
    """The addresses and the anchors of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors = {"", "top"}
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in {"href", "src"} and value:
                self.targets.add(value)


def broken(site: Path) -> Iterator[str]:
    """Yield each address within the site that leads nowhere."""
    pages = {page: Links(page) for page in site.rglob("*.html")}
    assert len(pages) > 30
    for page, links in pages.items():
        for target in links.targets:
            address = urlsplit(target)
            if address.scheme or address.netloc:
                continue
            file = (page.parent / unquote(address.path)).resolve() if address.path else page
            file = file / "index.html" if file.is_dir() else file
            known = pages[file].anchors if file in pages else {""}
            if not file.exists() or unquote(address.fragment) not in known:
                yield f"{page.relative_to(site)}: {target}"


def test_every_link_and_anchor_leads_somewhere(site: Path) -> None:
    """No page, picture, script or heading that the site links to is missing."""
    assert sorted(broken(site)) == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """A page loads no script, style, font or picture from another host."""
    for page in site.rglob("*.html"):
        for source in ('src="http', 'rel="stylesheet" href="http', 'src="//'):
            assert source not in page.read_text(), page


@pytest.mark.parametrize("module", [*MODULES, *CONTRIB])
def test_every_public_name_has_its_entry(site: Path, module: str) -> None:
    """The reference has an entry for each name that a site may import, signals included."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    entries = {name for kind in inventory.data.values() for name in kind}
    names = set(public_names(module))
    assert names
    assert {f"{module}.{name}" for name in names} <= entries


def test_the_search_finds_settings_errors_and_signals(site: Path) -> None:
    """The index of the search has the words that readers look for."""
    index = (site / "searchindex.js").read_text()
    for word in ("allowed_scop", "retry_aft", "reconnect_requir", "actionstep_doctor"):
        assert word in index


def test_the_floor_plan_is_the_contract(site: Path) -> None:
    """Each room of the import contracts is in the picture of the architecture page."""
    page = (site / "explanation" / "architecture" / "index.html").read_text()
    for contract in ("floors", "floors-of-hooks"):
        for floor in floors(contract):
            assert "".join(f"<li><code>{room}</code></li>" for room in floor) in page


def test_the_architecture_page_knows_every_end() -> None:
    """Each status, and each reason that the token endpoint's answer may give, is on the page."""
    folder = ROOT / "docs" / "explanation"
    text = "".join((folder / file).read_text() for file in ("architecture.md", "refresh-token.svg"))
    by_people = {StatusReason.ENDED_BY_USER, StatusReason.ENDED_BY_ADMIN}
    for word in [*Status, *(each for each in StatusReason if each not in by_people)]:
        assert word.value in text, word
