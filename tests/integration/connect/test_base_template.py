"""A site's own frame around the pages, and the check that says what it leaves out."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from actionstep_connect.check_ids import TAG, CheckId

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
