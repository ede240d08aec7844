"""The documentation as the tests read it: pages, fenced blocks, commands, links, and the messages of the source."""

from __future__ import annotations

import ast
import pathlib
import re
import shlex
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).parents[1]
MODE = ROOT / "Trading" / "Mode" / "volume_booster_trading_mode"
EXCHANGE = ROOT / "Trading" / "Exchange" / "offline_exchange"
README = ROOT / "README.md"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
PAGES = (
    README,
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(MODE.glob("resources/*.md")),
    *sorted(EXCHANGE.glob("resources/*.md")),
    *sorted(ROOT.glob("profiles/*/README.md")),
)
NOT_RUN = "no-run"
"""The second word of a fence whose commands no test runs; `test_documents` says why for each of them."""
PROMPT = "$ "
ANYTHING = "..."
"""A line of shown output that stands for any number of lines."""
VARIABLE = "…"
"""In the text of a message: what is another one each time."""

_FENCE = re.compile(r"^\s*```(.*)$")
_HEADING = re.compile(r"^#{1,6} (.+)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_PROMISE = re.compile(r"\s+# exit code (\d+)$")
_COMMENT = re.compile(r"\s+# .*$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: the words after the fence, and its lines with the fence's indentation taken off."""

    page: pathlib.Path
    line: int
    info: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def language(self) -> str:
        return self.info[0] if self.info else ""

    @property
    def is_run(self) -> bool:
        return NOT_RUN not in self.info


@dataclass
class Command:
    """A command of a page, the exit code that the page promises, and what it shows of the output, if anything."""

    page: pathlib.Path
    line: int
    text: str
    is_run: bool
    exit_code: int = 0
    shown: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def arguments(self) -> list[str] | None:
        """Those of `volume-booster`; None for another command."""
        return self.words[1:] if self.words[:1] == ["volume-booster"] else None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"


def blocks(page: pathlib.Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    found: list[Block] = []
    opened: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence is None:
            if opened is not None:
                opened[2].append(line)
        elif opened is None:
            opened = number, line, []
        else:
            first, text, lines = opened
            indent = len(text) - len(text.lstrip())
            info = text.strip().removeprefix("```").split()
            found.append(Block(page, first, tuple(info), tuple(one[indent:] for one in lines)))
            opened = None
    assert opened is None, f"{page}:{opened and opened[0]}: a block that does not end"
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a block: every line of `sh`, the lines after a prompt of `console`."""
    if block.language == "sh":
        return [_command(block, *line) for line in _joined(block.lines)]
    found: list[Command] = []
    for offset, line in enumerate(block.lines) if block.language == "console" else ():
        if line.startswith(PROMPT):
            found.append(_command(block, offset, line.removeprefix(PROMPT)))
        else:
            found[-1].shown.append(line.rstrip())
    return found


def _joined(lines: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Each command with the offset of its first line: a backslash at the end of a line goes on in the next."""
    text, first = "", 0
    for offset, line in enumerate(lines):
        first = first if text else offset
        text += line.strip()
        if text.endswith("\\"):
            text = text[:-1]
        elif text and not text.startswith("#"):
            yield first, text
            text = ""
        else:
            text = ""


def _command(block: Block, offset: int, text: str) -> Command:
    promise = _PROMISE.search(text)
    exit_code = int(promise.group(1)) if promise else 0
    return Command(block.page, block.line + 1 + offset, _COMMENT.sub("", text).strip(), block.is_run, exit_code)


def all_commands() -> list[Command]:
    """The commands of every page."""
    return [command for page in PAGES for block in blocks(page) for command in commands(block)]


def links(page: pathlib.Path) -> list[str]:
    """Where the links and pictures of a page lead to, code left out."""
    return [link or picture for link, picture in _LINK.findall(prose(page))]


def prose(page: pathlib.Path) -> str:
    """The page without its fenced blocks and without code in its lines."""
    lines, is_inside = [], False
    for line in page.read_text("utf-8").splitlines():
        if _FENCE.match(line):
            is_inside = not is_inside
        elif not is_inside:
            lines.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(lines)


def anchors(page: pathlib.Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for line in page.read_text("utf-8").splitlines():
        if heading := _HEADING.match(line):
            kept = re.sub(r"[^\w\- ]", "", heading.group(1).replace("`", "").lower())
            found.add(kept.strip().replace(" ", "-"))
    return found


def told_messages() -> dict[str, int]:
    """The texts of the troubleshooting page with their lines: what stands as code in the first column of its tables."""
    texts: dict[str, int] = {}
    for number, line in enumerate(TROUBLESHOOTING.read_text("utf-8").splitlines(), start=1):
        if line.startswith("| `"):
            for text in re.findall(r"``(.+?)``|`([^`]+)`", line.split(" | ")[0]):
                texts[(text[0] or text[1]).strip()] = number
    return texts


def skeleton(node: ast.AST) -> str | None:
    """The text of a string in the source, with `…` for what is filled in; None for another expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[sd]|%\.\df|\{[a-z_]+\}", VARIABLE, node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (skeleton(part) if isinstance(part, ast.Constant) else VARIABLE for part in node.values)
        return re.sub(f"{VARIABLE}+", VARIABLE, "".join(map(str, parts)))
    return None


def strings(tree: ast.AST, but_in: frozenset[str] = frozenset()) -> Iterator[tuple[int, str]]:
    """Every string under a node, docstrings and what calls of some functions are given left out, with its line."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in but_in)
    left_out = {id(part) for call in calls for part in _below(call)}
    left_out |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in _below(node)}
    left_out |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in left_out and (text := skeleton(node)) is not None:
            yield typing.cast(typing.Any, node).lineno, text


def _below(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        yield from _below(child)
