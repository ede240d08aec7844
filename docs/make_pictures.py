"""Makes the pictures of the README and of the mode's own page from real runs: the plan, the live view, the report.

    python docs/make_pictures.py [--home DIR]

It runs a campaign on the local exchange with OctoBot's real trader, in a home of its own, and needs `volume-booster`
installed beside this Python, a Chromium for the page, and Pillow (`pip install '.[test]'`). With --home it takes the
campaign of that home instead. What is shown is what the commands print; nothing is drawn by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import rich.console
import rich.text
from PIL import Image

from octobot_volume_booster.cli.commands.status import campaign_status
from octobot_volume_booster.cli.files.home import Home, HomeError
from octobot_volume_booster.cli.main import main as volume_booster
from octobot_volume_booster.cli.screen.dashboard import dashboard
from octobot_volume_booster.journal.journal import JournalError
from octobot_volume_booster.reporting.history import Watcher

ROOT = pathlib.Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
RESOURCES = ROOT / "Trading" / "Mode" / "volume_booster_trading_mode" / "resources"
COMMAND = [sys.executable, "-m", "octobot_volume_booster.cli.main"]
TERMINAL_WIDTH = 80
PAGE_SIZE = (1_240, 1_330)
SEED = "7"
HALF = 0.6
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=pathlib.Path, help="take the campaign of this home")
    arguments = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="volume_booster_pictures_") as folder:
        home = Home(arguments.home or pathlib.Path(folder) / "home")
        picture_plan()
        if arguments.home is None:
            run_and_picture_live(home)
        picture_page(home, pathlib.Path(folder))
    return 0


def picture_plan() -> None:
    """`volume-booster plan`, as it prints."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(TERMINAL_WIDTH), "TERM": "xterm-256color"}
    told = subprocess.run([*COMMAND, "plan"], capture_output=True, text=True, check=True, env=environment)
    console = rich.console.Console(width=TERMINAL_WIDTH, record=True, file=io.StringIO())
    console.print(rich.text.Text.from_ansi(told.stdout))
    save(console, "plan", "volume-booster plan")


def run_and_picture_live(home: Home) -> None:
    """A campaign to its end, and the live view when it is past its half."""
    command = [*COMMAND, "sandbox", "--home", str(home.path), "--seed", SEED, "--quiet"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watcher, is_taken = Watcher(home.campaign), False
    while run.poll() is None:
        time.sleep(0.2)
        with contextlib.suppress(HomeError, JournalError):  # it has not begun
            status = campaign_status(home)
            if not is_taken and status.report.progress.filled_quote > HALF * float(status.report.progress.target_quote):
                console = rich.console.Console(width=TERMINAL_WIDTH, record=True, file=io.StringIO())
                console.print(dashboard(watcher.live_status(status.report), status.now))
                save(console, "watch", "volume-booster watch")
                is_taken = True
    if run.returncode or not is_taken:
        raise SystemExit(f"the campaign ended with exit code {run.returncode}")


def picture_page(home: Home, folder: pathlib.Path) -> None:
    """`volume-booster report --html`, in a Chromium."""
    page, picture = folder / "page.html", folder / "page.png"
    volume_booster(["report", "--home", str(home.path), "--html", str(page), "--json"])
    if CHROMIUM is None:
        raise SystemExit("no Chromium is installed here: the picture of the page is not made")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    profile = f"--user-data-dir={folder / 'profile'}"
    size = f"--window-size={PAGE_SIZE[0]},{PAGE_SIZE[1]}"
    subprocess.run([CHROMIUM, *options, profile, size, f"--screenshot={picture}", page.as_uri()], check=True)
    with Image.open(picture) as image:
        small = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
        for place in (PICTURES, RESOURCES):
            small.save(place / "report.png", optimize=True)


def save(console: rich.console.Console, name: str, title: str) -> None:
    """What a console has printed, as SVG with the reader's own fonts: nothing is fetched to show it."""
    svg = console.export_svg(title=title, unique_id=name)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (PICTURES / f"{name}.svg").write_text(svg, "utf-8")
    if name == "watch":
        (RESOURCES / f"{name}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
