"""The distribution `octobot-volume-booster`: the same files that OctoBot loads as tentacles, as one package."""

import json
import pathlib

import setuptools

ROOT = pathlib.Path(__file__).parent
BUNDLE = json.loads((ROOT / "metadata.json").read_text(encoding="utf-8"))
PACKAGE = "octobot_volume_booster"
MODE = "Trading/Mode/volume_booster_trading_mode"
EXCHANGE = "Trading/Exchange/offline_exchange"
# the bundle's metadata and profiles travel with the package, so that it can pack the bundle anywhere
FOLDERS = {PACKAGE: MODE, f"{PACKAGE}.offline_exchange": EXCHANGE, f"{PACKAGE}.bundle": "."}
# reads recorded trades from Parquet files; its newest line refuses the numpy that OctoBot 2.0 pins
REPLAY = ["pyarrow<26; python_version < '3.12'", "pyarrow; python_version >= '3.12'"]

setuptools.setup(
    name="octobot-volume-booster",
    version=BUNDLE["version"],
    description="Reaches a traded-volume target with OctoBot at the least cost, never trading against itself",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=BUNDLE["author"],
    license="LGPL-3.0-or-later",
    python_requires=">=3.10,<3.14",
    package_dir=FOLDERS,
    packages=[
        *FOLDERS,
        *(
            f"{package}.{name}"
            for package, folder in FOLDERS.items()
            if folder != "."
            for name in setuptools.find_packages(str(ROOT / folder))
        ),
    ],
    package_data={
        PACKAGE: ["py.typed", "metadata.json", "config/*.json", "resources/*"],
        f"{PACKAGE}.offline_exchange": ["metadata.json", "config/*.json", "resources/*"],
        f"{PACKAGE}.bundle": ["metadata.json", "profiles/*/*", "profiles/*/specific_config/*"],
    },
    install_requires=[
        "octobot[full]==2.0.15; python_version < '3.12'",
        "octobot==2.1.1; python_version >= '3.12'",
        # what OctoBot brings anyway; unpinned here, so that its own pins decide
        "aiohttp",
        "jinja2",
        "numpy",
        "pydantic>=2",
        "rich",
        # shell completion, and settings files in TOML where Python has no reader of its own
        "argcomplete",
        "tomli; python_version < '3.11'",
        # draws the charts of the report
        "matplotlib>=3.9",
    ],
    extras_require={
        "replay": REPLAY,
        "test": ["hypothesis", "mypy", "pillow", "psutil", "pytest", "pytest-asyncio", "pytest-xdist", "ruff", *REPLAY],
    },
    entry_points={"console_scripts": ["volume-booster = octobot_volume_booster.cli.main:main"]},
    classifiers=[
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)",
    ],
)
