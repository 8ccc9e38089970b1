"""``docs/templates.md`` and the templates: what can be overridden is what the page says."""

import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.urls import reverse
from pytest_django import Settings

import actionstep_connect
from actionstep_connect.templatetags.actionstep_connect import (
    actionstep_connect_button,
    actionstep_connection_alert,
)
from tests.support.connections import make_connection
from tests.support.documents import ROOT, lines_for
from tests.support.person import CONNECT, CONNECTIONS, Page, Person, words

pytestmark = pytest.mark.django_db

PAGE = (ROOT / "docs" / "templates.md").read_text()
APP = Path(actionstep_connect.__file__).parent
TEMPLATES = APP / "templates" / "actionstep_connect"
STYLE = (APP / "static" / "actionstep_connect" / "connect.css").read_text()
BLOCK = re.compile(r"{% block (\w+) %}")
CLASS = re.compile(r"(?<![\w-])actionstep(?:-[a-z]+)?(?![\w{-])")


@pytest.fixture
def person() -> Person:
    """Return a signed-in user."""
    return Person()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading of the page."""
    section = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def sources() -> dict[str, str]:
    files = (each for each in TEMPLATES.rglob("*") if each.is_file())
    return {str(each.relative_to(TEMPLATES)): each.read_text() for each in files}


def test_the_page_has_each_template_with_its_blocks() -> None:
    """Each file is in the table, none else, and with the blocks that it has."""
    told = {ticked(row[0])[0]: ticked(row[1]) for row in rows("A page as a whole")}
    assert told == {
        name: list(dict.fromkeys(BLOCK.findall(source))) for name, source in sources().items()
    }


def test_the_page_has_each_class() -> None:
    """Each class of the templates and of the style is in the table, and none else."""
    told = [name for row in rows("The classes") for name in ticked(row[0])]
    used = {
        name
        for source in sources().values()
        for value in re.findall(r'class="([^"]*)"', source)
        for name in CLASS.findall(value)
    }
    styled = set(re.findall(r"\.(actionstep[\w-]*)", re.sub(r"(?s)/\*.*?\*/", "", STYLE)))
    assert len(told) == len(set(told))
    assert set(told) == used | styled


def test_the_page_has_each_custom_property() -> None:
    """Each is in the table, has a default that weighs nothing, and is used."""
    told = [ticked(row[0])[0] for row in rows("A few lines of CSS")]
    defaults = STYLE.split(":where(:root) {")[1].split("}")[0]
    assert told == re.findall(r"^  (--[\w-]+):", defaults, flags=re.MULTILINE)
    assert set(told) == set(re.findall(r"var\((--[\w-]+)\)", STYLE))


def test_the_frame_of_the_page_is_the_example_sites() -> None:
    """What the page prints as a whole file is that file."""
    name = "templates/actionstep_connect/base.html"
    assert (ROOT / name).read_text() == lines_for(name, "docs/templates.md")


def variables(template: str) -> set[str]:
    """Return the variables that the page says this template knows."""
    cells = {ticked(row[0])[0]: row[2] for row in rows("A page as a whole")}
    return set(ticked(cells[template]))


def given(page: Page) -> set[str]:
    """Return the variables that a view gave to its template."""
    shared = {"True", "False", "None", "csrf_token", "request", "user", "perms", "messages"}
    of_base = {"DEFAULT_MESSAGE_LEVELS", "LANGUAGE_CODE", "LANGUAGE_BIDI"}
    return set(page.context[0].flatten()) - shared - of_base


def test_the_page_has_each_variable(person: Person) -> None:
    """Each template knows the variables of its line in the table, and no others."""
    connection = make_connection(person.user, status="reconnect_required")
    path = reverse("actionstep_connect:disconnect", args=[connection.pk])
    context = Context({"user": person.user})
    known = {
        "connections.html": given(person.browser.get(CONNECTIONS)),
        "connect.html": given(person.browser.get(CONNECT)),
        "connect_failed.html": given(person.browser.get(CONNECT, {"scopes": "never-allowed"})),
        "disconnect.html": given(person.browser.get(path)),
        "alert.html": set(actionstep_connection_alert(context)),
        "button.html": set(actionstep_connect_button(context)),
    }
    assert known == {name: variables(name) for name in known}


def test_the_examples_of_the_page_work(person: Person, settings: Settings, tmp_path: Path) -> None:
    """A frame with other block names, a page with a sentence more, and the tags."""
    frame, tags, more = re.findall(r"(?<!-->\n)```html\n(.*?)```", PAGE, flags=re.DOTALL)
    folder = tmp_path / "actionstep_connect"
    folder.mkdir()
    blocks = ("page_title", "extra_head", "main")
    site = "".join(f"<{name}>{{% block {name} %}}{{% endblock %}}</{name}>" for name in blocks)
    (tmp_path / "site.html").write_text(site)
    (folder / "base.html").write_text(frame)
    (folder / "disconnect.html").write_text(more)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    connection = make_connection(person.user)
    path = reverse("actionstep_connect:disconnect", args=[connection.pk])
    page = person.browser.get(path)
    html = page.content.decode()
    assert "<page_title>Disconnect acmelaw?</page_title>" in html
    assert "connect.css" in html.split("<extra_head>")[1].split("</extra_head>")[0]
    assert "Your time sheets are sent on Mondays" in html.split("<main>")[1]
    assert "Disconnect acmelaw?" in words(page)
    assert "connect.css" in Template(tags).render(Context({"user": person.user}))
