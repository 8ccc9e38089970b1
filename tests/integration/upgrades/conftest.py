"""The option with which a release is stored."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `python -m tests.integration.upgrades.keep`."""
    parser.addoption("--keep-release", metavar="FILE", help="store what the present schema holds")
