"""The system's Chromium as a process of its own, which Playwright connects to."""

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actionstep_connect.testing.process import running_server

#: Debian's shell first: it renders the same, but has no windows, so a page costs a sixth of the time.
#: The program itself, because the command of that name is a script that does not pass a signal on.
SHELL = "/usr/lib/chromium/chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome")
READY = re.compile(r"DevTools listening on (ws://\S+)")
#: Those of Playwright's own that change what a page does, and those that keep it off the network.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
    "--disable-back-forward-cache",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,PaintHolding,OptimizationHints",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-popup-blocking",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
)


@contextmanager
def running_chromium(folder: Path) -> Generator[str]:
    """Run it until the block ends, its profile and log in `folder`; give the address of its CDP."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail("Chromium is missing: apt-get install chromium, or run scripts/test")
    own = ["--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}"]
    command = [found, *OPTIONS, *own]
    with running_server(command, log=folder / "chromium.log", ready=READY) as url:
        yield url
