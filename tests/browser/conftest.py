import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from sselfie_insights.report import render_site
from sselfie_insights.settings import load_settings

# Chromium must not call home: the machine may have no network.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or one on the PATH; without it these tests are skipped."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(business: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the made-up business, its data too old, so that every page has a banner."""
    folder = tmp_path_factory.mktemp("site")
    render_site(load_settings(warehouse=business, max_age="1m"), folder)
    return folder
