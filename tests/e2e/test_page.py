"""The report's page in a real Chromium without network: all charts drawn, no request, no error on the console."""

from __future__ import annotations

import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "core"))
from fake_market import EXCHANGE
from recorded import recorded

from octobot_volume_booster.cli.main import main

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]  # fmt: skip
SIZE = (1_240, 1_400)
ITS_MAKER = ("google.com", "googleapis.com", "gvt1.com")
"""Whom a Chromium asks by itself, whatever page it shows: which of their hosts, differs by its version and its age."""
OWN_SCHEMES = ("file", "data", "chrome", "devtools", "blob", "about")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.once,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here"),
]


def browse(folder: pathlib.Path, page: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a Chromium that has never run before."""
    assert CHROMIUM is not None
    net_log = f"--log-net-log={folder / 'net.json'}"
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", net_log, *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture
def page(tmp_path: pathlib.Path) -> pathlib.Path:
    recorded(tmp_path).close_journal()
    file = tmp_path / "page.html"
    assert main(["report", "--home", str(tmp_path), "--html", str(file), "--json"]) == 0
    return file


def test_the_page_is_drawn_whole_offline_and_in_silence(page: pathlib.Path, tmp_path: pathlib.Path) -> None:
    picture = tmp_path / "page.png"
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    seen = browse(tmp_path, page, size, f"--screenshot={picture}")
    assert "CONSOLE" not in seen.stderr, seen.stderr
    assert not _requested(tmp_path / "net.json")
    assert not any(maker in page.read_text("utf-8") for maker in ITS_MAKER)
    with Image.open(picture) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(maxcolors=2**24)}
    for ink in ("2f6fde", "12946b", "d2603a", "d99a1b"):  # filled, buys, sells, the plan: all are on the picture
        wanted = bytes.fromhex(ink)
        assert min(max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) for colour in colours) < 30, ink


def test_every_chart_has_its_size_and_its_marks_in_the_document(page: pathlib.Path, tmp_path: pathlib.Path) -> None:
    seen = browse(tmp_path, page, "--dump-dom")
    charts = re.findall(r'<svg class="chart".*?</svg>', seen.stdout, flags=re.DOTALL)
    assert len(charts) == 5
    for chart in charts:
        assert chart.count("<path") + chart.count("<use") > 5
        assert "<text" in chart


MEASURE = """<script>
const text = [...document.querySelectorAll("svg.chart text")];
const scale = svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
const leaves = (inner, outer) => inner.left < outer.left - 1 || inner.right > outer.right + 1
  || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
onload = () => parent.postMessage(JSON.stringify({
  width: document.documentElement.scrollWidth,
  height: document.querySelector("main").offsetHeight,
  least_text: Math.min(...text.map(one => parseFloat(getComputedStyle(one).fontSize) * scale(one.ownerSVGElement))),
  cut: text.filter(one => leaves(one.getBoundingClientRect(), one.ownerSVGElement.getBoundingClientRect()))
    .map(one => one.textContent),
}), "*");
</script></main>"""
FRAME = """<iframe src="WIDTH.html" style="border: 0; width: WIDTHpx; height: 1000px"></iframe><p id="told"></p>
<script>onmessage = event => document.getElementById("told").textContent = event.data</script>"""


@pytest.mark.parametrize(("width", "most_height"), [(360, 4_500), (390, 4_500), (768, 3_200), (1_280, 2_500)])
def test_the_page_fits_its_width_and_its_charts_can_be_read(page, tmp_path, width, most_height) -> None:
    measured = page.read_text("utf-8").replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    assert f"on {EXCHANGE}" in measured
    measured = measured.replace(f"on {EXCHANGE}", "on second_offline_exchange")  # a name as long as they get
    (tmp_path / f"{width}.html").write_text(measured.replace("</main>", MEASURE), "utf-8")
    frame = tmp_path / "frame.html"  # no window is as narrow as a phone
    frame.write_text(FRAME.replace("WIDTH", str(width)), "utf-8")
    seen = browse(tmp_path, frame, "--allow-file-access-from-files", "--virtual-time-budget=3000", "--dump-dom")
    (text,) = re.findall(r'<p id="told">(.*?)</p>', seen.stdout)
    found = json.loads(html.unescape(text))
    assert found["width"] == width and found["height"] < most_height
    assert found["least_text"] >= 11 and found["cut"] == []


def test_a_request_and_an_error_would_have_been_seen(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "other.html"
    page.write_text("<img src='http://pictures.invalid/a.png'><script>console.error('broken')</script>", "utf-8")
    seen = browse(tmp_path, page, f"--screenshot={tmp_path / 'other.png'}")
    assert "CONSOLE" in seen.stderr
    assert _requested(tmp_path / "net.json") == {"pictures.invalid"}


def _requested(net_log: pathlib.Path) -> set[str]:
    """Every host that the browser asked the network for, but for its maker's."""
    urls = re.findall(r'"url":\s*("(?:[^"\\]|\\.)*")', net_log.read_text("utf-8", "replace"))
    addresses = [urlsplit(json.loads(url)) for url in urls]
    hosts = {str(address.hostname) for address in addresses if address.scheme not in OWN_SCHEMES}
    return {host for host in hosts if not f".{host}".endswith(tuple(f".{maker}" for maker in ITS_MAKER))}
