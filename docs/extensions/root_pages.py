"""Pages that are at the root of the repository, where forges look for them, as pages of the site.

On a forge ``docs/security.md`` says where the text is; on the site the text takes its place. Links to
other files outside ``docs`` lose their address there, because the site has no page for them.
"""

import re
from collections.abc import Mapping
from os.path import normpath
from pathlib import PurePosixPath

from sphinx.application import Sphinx

#: The file at the root that a page of the site is made of.
PAGES: Mapping[str, str] = {
    "changelog": "CHANGELOG.md",
    "code-of-conduct": "CODE_OF_CONDUCT.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
}
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<file>[^)#:\s]+)(?P<heading>#[^)\s]*)?\)")


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Take the text of a page from the root, and lead links to the pages of the site."""
    folder = PurePosixPath("docs", page).parent
    if page in PAGES:
        source[0] = (app.srcdir.parent / PAGES[page]).read_text()
        folder = PurePosixPath()
    source[0] = LINK.sub(lambda link: _moved(link, folder), source[0])


def _moved(link: re.Match[str], folder: PurePosixPath) -> str:
    target = normpath(folder / link["file"])
    pages = [f"/{page}.md" for page, file in PAGES.items() if file == target]
    if target.startswith("docs/"):
        pages.append(target.removeprefix("docs"))
    return f"[{link['text']}]({pages[0]}{link['heading'] or ''})" if pages else link["text"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect this to Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
