"""Makes the pictures of the guide to OctoBot's web page from a real OctoBot with its web interface.

    python docs/make_web_pictures.py SOURCES [--assets DIR]

SOURCES is a checkout of OctoBot-Tentacles, of the version of the OctoBot that is installed: its tentacles, the web
interface among them, are packed and installed into a home that is thrown away. It needs `volume-booster` installed
beside this Python, a Chromium, Playwright (`pip install playwright`) and Pillow. The page loads its scripts and styles
from content networks; without internet they are read from --assets, laid out as HOST/PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import mimetypes
import os
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import time
import typing
import urllib.parse
import urllib.request
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import Locator, Page, Route, sync_playwright

from octobot_volume_booster.cli.commands import bundle, install
from octobot_volume_booster.cli.files import home
from octobot_volume_booster.cli.process import launch

PICTURES = pathlib.Path(__file__).resolve().parent / "pictures"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PROFILE = "volume_booster_offline"
MODE = "VolumeBoosterTradingMode"
# a page that is read from --assets counts as one of the internet, which may not reach this computer
BROWSER = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]
UP_WITHIN_S = 60.0
SETTLED_MS = 2_500
COLOURS = 48
SLOWLY = {"trade_frequency_min": 1.0, "trade_frequency_max": 2.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", type=pathlib.Path, help="a checkout of OctoBot-Tentacles")
    parser.add_argument("--assets", type=pathlib.Path, help="scripts and styles of the page, laid out as HOST/PATH")
    arguments = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="volume_booster_web_") as folder:
        octobot_home = home.Home(pathlib.Path(folder) / "home")
        install.install(octobot_home.path)
        install_web_interface(octobot_home.path, arguments.sources, pathlib.Path(folder) / "sources")
        with running_octobot(octobot_home) as address, browser_page(arguments.assets) as page:
            take_pictures(page, address)
    return 0


def install_web_interface(octobot_home: pathlib.Path, sources: pathlib.Path, copy: pathlib.Path) -> None:
    """By OctoBot's own `tentacles` command, from a copy: packing leaves files behind."""
    shutil.copytree(sources, copy, ignore=shutil.ignore_patterns(".git"))
    bundle.run_tentacles_command(
        copy, "-p", "web.zip", "--export-with-package-name", "OctoBot-Default-Tentacles", "-d", "."
    )
    bundle.run_tentacles_command(octobot_home, "-i", "-a", "-l", str(copy / "output" / "web.zip"))


@contextlib.contextmanager
def running_octobot(octobot_home: home.Home) -> Iterator[str]:
    """The real OctoBot on the local exchange; gives the address of its web page."""
    port = free_port()
    os.environ |= {"WEB_PORT": str(port), "WEB_ADDRESS": launch.LOOPBACK, "AUTO_OPEN_IN_WEB_BROWSER": "false"}
    octobot_home.select_profile(PROFILE)
    home.write_json(octobot_home.config, home.read_json(octobot_home.config) | {"accepted_terms": True})
    mode_config = octobot_home.profile(PROFILE) / home.MODE_CONFIG
    home.write_json(mode_config, home.read_json(mode_config) | SLOWLY)
    exchange, exchange_port = launch.start_exchange(0, octobot_home.logs / "local-exchange.log", "--seed", "7")
    octobot = launch.start_octobot(octobot_home.path, {home.OFFLINE_EXCHANGE: exchange_port})
    try:
        address = f"http://{launch.LOOPBACK}:{port}"
        wait_for(address)
        yield address
    finally:
        octobot.stop()
        exchange.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((launch.LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_for(address: str) -> None:
    until = time.monotonic() + UP_WITHIN_S
    while not is_up(address):
        if time.monotonic() > until:
            raise SystemExit(f"OctoBot's web page did not come up at {address}")
        time.sleep(0.5)


def is_up(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def browser_page(assets: pathlib.Path | None) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER)
        page = browser.new_page(viewport={"width": 1_100, "height": 800})
        if assets is not None:
            page.route("**/*", lambda route: answer(route, assets))
        yield page
        browser.close()


def answer(route: Route, assets: pathlib.Path) -> None:
    """What is not on this computer comes from a folder; the page's check sums are those of other copies."""
    url = urllib.parse.urlsplit(route.request.url)
    file = assets / (url.hostname or "") / url.path.lstrip("/")
    if url.hostname == launch.LOOPBACK and route.request.resource_type == "document":
        response = route.fetch()
        route.fulfill(response=response, body=re.sub(r'integrity="[^"]*"', "", response.text()))
    elif url.hostname == launch.LOOPBACK:
        route.continue_()
    elif file.is_file():
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        route.fulfill(body=file.read_bytes(), content_type=kind, headers={"access-control-allow-origin": "*"})
    else:
        route.abort()


def take_pictures(page: Page, address: str) -> None:
    """Of the form, the buttons with an answer, the profile and the state; the bot runs meanwhile."""
    show(page, f"{address}/config_tentacle?name={MODE}")
    if wrong := page.evaluate("validateJSONEditor(configEditor)"):
        raise SystemExit(f"the page would not save the form as it is: {wrong}")
    save(page.screenshot(clip=box_of(page.locator("#configEditor"), most_height=900), full_page=True), "web-form")
    save(page.locator(".card", has=page.locator(".user-command")).last.screenshot(), "web-buttons")
    press(page, "Pause")
    page.get_by_text("Paused: no new order").wait_for()
    page.wait_for_timeout(1_000)  # it fades in
    save(page.locator(".toast", has_text="Paused: no new order").last.screenshot(), "web-answer")
    show(page, f"{address}/trading")
    page.click("text=Market Status")
    page.wait_for_timeout(500)
    save(page.locator(".card:visible", has_text="of 50,000.00 filled").last.screenshot(), "web-state")
    show(page, f"{address}/profiles_selector")
    page.add_style_tag(content="footer { display: none !important }")
    save(page.locator(".profile-overview-selected").screenshot(), "web-profile")


def show(page: Page, url: str) -> None:
    page.goto(url, wait_until="load")
    page.wait_for_timeout(SETTLED_MS)


def press(page: Page, button: str) -> None:
    page.click(f"button[data-target='#{button.replace(' ', '')}Modal']")
    page.wait_for_timeout(500)
    page.click(f".user-command[data-action='{button}']")


def box_of(place: Locator, most_height: int = 10_000) -> typing.Any:
    """Where it is on the page, from its top on."""
    box = place.bounding_box()
    assert box is not None, "it is not on the page"
    return {**box, "height": min(box["height"], most_height)}


def save(picture: bytes, name: str) -> None:
    with Image.open(io.BytesIO(picture)) as image:
        small = image.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=COLOURS)
        small.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
