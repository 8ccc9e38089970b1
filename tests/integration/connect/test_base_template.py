"""A site's own frame around the pages, and the check that says what it leaves out."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.template import engines
from django.test import RequestFactory
from pytest_django import Settings

from actionstep_connect.check_ids import TAG, CheckId
from actionstep_connect.links import page_url
from tests.support.connections import make_connection
from tests.support.person import CONNECT, CONNECTIONS, Person

HEAD, CONTENT = "{% block head %}{% endblock %}", "{% block content %}{% endblock %}"
FRAME = f"<html><head>{HEAD}</head><body>{{% block main %}}{{% endblock %}}</body></html>"
OF_FRAME = "{% extends 'frame.html' %}"


@pytest.mark.parametrize(
    ("base", "lacking"),
    [
        (f"{HEAD}{CONTENT}", ""),
        (CONTENT, "head"),
        ("<html></html>", "head and no block content"),
        (OF_FRAME, "content"),
        (f"{OF_FRAME}{CONTENT}", "content"),
        (f"{OF_FRAME}{{% block main %}}{CONTENT}{{% endblock %}}", ""),
        (f"{OF_FRAME}{{% block mian %}}{CONTENT}{{% endblock %}}", "content"),
        (f"{OF_FRAME}{{% block main %}}{{% if user %}}{CONTENT}{{% endif %}}{{% endblock %}}", ""),
        ("{% extends frame %}", ""),
        ("{% extends 'actionstep_connect/base.html' %}", ""),
        ("{% extends 'nowhere.html' %}", ""),
        ("{% load nothing %}", ""),
    ],
    ids=[
        "both",
        "no head",
        "neither",
        "inherited, not named",
        "outside",
        "inside",
        "misspelt",
        "inside a condition",
        "known when rendered",
        "over the package's own",
        "missing",
        "broken",
    ],
)
def test_a_frame_that_leaves_blocks_out_is_named(
    settings: Settings, tmp_path: Path, base: str, lacking: str
) -> None:
    """Without them a page is blank, or has no style; what only rendering shows is no fault."""
    folder = tmp_path / "actionstep_connect"
    folder.mkdir()
    (folder / "base.html").write_text(base)
    (tmp_path / "frame.html").write_text(FRAME)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    found = [each for each in run_checks(tags=[TAG]) if each.id == CheckId.BASE_LACKS_BLOCKS.full]
    assert bool(found) == bool(lacking)
    for message in found:
        assert f"has no block {lacking}: " in message.msg


def test_the_packages_own_frame_has_them() -> None:
    """No site without a frame of its own hears of it."""
    assert CheckId.BASE_LACKS_BLOCKS.full not in {each.id for each in run_checks(tags=[TAG])}


HOSTILE = '/home/?"><script>alert(1)</script>'


@pytest.mark.django_db
def test_s53_a_site_that_escapes_nothing_is_no_way_in(settings: Settings, person: Person) -> None:
    """The pages and tags escape what they show, whatever `autoescape` of the engine says."""
    [engine] = settings.TEMPLATES
    options = {**engine["OPTIONS"], "autoescape": False}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    ended = make_connection(
        person.user, orgkey="<script>alert(1)</script>", status="reconnect_required"
    )
    request = RequestFactory().get(HOSTILE)
    request.user = person.user
    tags = (
        "{% load actionstep_connect %}{% actionstep_connect_button next=next %}"
        "{% actionstep_connection_alert %}"
    )
    shown = [engines["django"].from_string(tags).render({"next": HOSTILE}, request)]
    addresses = (CONNECT, CONNECTIONS, page_url("disconnect", ended.pk))
    shown += [person.browser.get(each, {"next": HOSTILE}).content.decode() for each in addresses]
    for page in shown:
        assert "script&gt;" in page
        assert "<script" not in page
