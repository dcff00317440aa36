"""Draw the README's pictures from the demo's business, with a Chromium that asks no network.

``make pictures`` runs it. Chromium is the machine's own (``apt-get install chromium``).
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

FOLDER = Path(__file__).parent / "pictures"
WIDTH = 1280
OVERVIEW_HEIGHT = 1000
# GitHub shows pictures smaller than that anyway.
SCALE = 0.9
TERMINAL_COLUMNS, TERMINAL_LINES = 92, 33
COMMAND = ("report", "show", "overview")


def run_sselfie(*words: str) -> str:
    """Return what a command prints to stdout."""
    command = [sys.executable, "-m", "sselfie_insights", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def draw_terminal(warehouse: Path) -> str:
    """Return an SVG of a terminal that shows the overview."""
    printed = run_sselfie(*COMMAND, "--color", "always", "--warehouse", str(warehouse))
    console = Console(record=True, width=TERMINAL_COLUMNS, file=io.StringIO())
    console.print(f"$ sselfie {' '.join(COMMAND)}\n", style="bold", highlight=False)
    for line in printed.splitlines()[:TERMINAL_LINES]:
        console.print(Text.from_ansi(line), highlight=False)
    return console.export_svg(title="SSELFIE Insights", theme=DEFAULT_TERMINAL_THEME)


def draw_all(browser: Browser, output: Path) -> None:
    """Draw what the demo wrote to ``output``."""
    site = output / "site"
    page = browser.new_page(
        viewport={"width": WIDTH, "height": OVERVIEW_HEIGHT},
        device_scale_factor=SCALE,
        color_scheme="light",
        offline=True,
    )
    page.goto((site / "index.html").as_uri())
    page.screenshot(path=FOLDER / "overview.png")
    page.goto((site / "retention.html").as_uri())
    page.locator("section", has=page.locator("table")).first.screenshot(
        path=FOLDER / "retention.png"
    )
    page.set_content(draw_terminal(output / "demo.duckdb"))
    page.locator("svg").screenshot(path=FOLDER / "terminal.png")


def main() -> None:
    """Make the demo and draw it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        output = Path(folder)
        run_sselfie("demo", "--output-dir", str(output))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw_all(browser, output)
        browser.close()


if __name__ == "__main__":
    main()
