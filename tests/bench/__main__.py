"""All benchmarks, one after the other: `python -m tests.bench [--short] [--write FILE]`.

`python -m tests.bench cost` is a benchmark of its own: what volume costs in each style.

A table each, in Markdown, with the machine and the versions; `--write` puts them between the marks of a file.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import pathlib
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import backtest_bench, cost_bench, growth_bench, order_path_bench, startup_bench

MARK = "<!-- measured on OctoBot {line} -->"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: enough to tell, or just enough to see that it runs."""

    orders: int
    backtests: int
    target_quote: int | None
    growth_orders: int
    starts: int


FULL = Sizes(orders=3_000, backtests=9, target_quote=None, growth_orders=100_000, starts=5)
SHORT = Sizes(orders=20, backtests=1, target_quote=1_500, growth_orders=100, starts=0)


def tables(sizes: Sizes) -> list[str]:
    """Each as soon as it is there is printed, too: the whole takes some minutes."""
    parts: list[Callable[[], str]] = [
        lambda: order_path_bench.figures(sizes.orders).markdown(),
        lambda: backtest_bench.figures(sizes.backtests, sizes.target_quote).markdown(),
        lambda: growth_bench.markdown(sizes.growth_orders),
    ]
    if sizes.starts:
        parts.append(lambda: startup_bench.figures(sizes.starts).markdown())
    measured = []
    for part in parts:
        measured.append(part())
        print(f"{measured[-1]}\n", flush=True)
    return measured


def machine() -> str:
    """Where it was measured."""
    versions = f"Python {platform.python_version()}, OctoBot {importlib.metadata.version('octobot')}"
    return f"{versions}, {os.cpu_count()} cores ({processor()}), {platform.system()}"


def processor() -> str:
    """Its name, where the system tells it."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text("utf-8"))
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def write(file: pathlib.Path, text: str) -> None:
    """Put the tables between the marks of this line of OctoBot, in place of those before."""
    mark = MARK.format(line=importlib.metadata.version("octobot").rpartition(".")[0])
    before, first, rest = file.read_text("utf-8").partition(mark)
    _, last, after = rest.partition(mark)
    if not last:
        sys.exit(f"{file} has no two marks {mark}")
    file.write_text(f"{before}{first}\n{text}\n{last}{after}", "utf-8")


def main() -> None:
    if sys.argv[1:2] == ["cost"]:
        sys.exit(cost_bench.main(sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only see that it runs; the figures mean nothing")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="put the tables into this file")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"{machine()}\n", flush=True)
    measured = tables(SHORT if arguments.short else FULL)
    if arguments.write:
        write(arguments.write, "\n\n".join(["", f"{machine()}:", *measured, ""]))


if __name__ == "__main__":
    main()
