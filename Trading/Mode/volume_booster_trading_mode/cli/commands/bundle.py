"""The bundle: gathered from wherever this package is, packed and installed by OctoBot's own `tentacles` command.

The mode, the exchange and the profiles reach a user in two forms: a checkout of the repository, or a pip-installed
wheel. Both are gathered as the tree that OctoBot expects. From there on OctoBot does the work, and this module checks
what came of it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...core.model.redact import text_of
from ...storage import private_files
from ..process.octobot_process import is_octobot_installed, run_octobot
from ..process.watchdog import ExitCode
from ..screen import lines

Files = Mapping[PurePosixPath, bytes]
"""The files of a bundle by their path inside it."""

_ARCHIVE_ROOT = "reference_tentacles"  # without it OctoBot installs nothing and says it did
_NESTED_IN_WHEEL = ("offline_exchange", "bundle")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_COMMAND_TIMEOUT_SECONDS = 300.0


class BundleError(Exception):
    """The bundle can't be packed or installed. The message is one sentence for the user."""


@dataclass(frozen=True)
class Parts:
    """What the bundle is made of: each part's path inside it, and where this installation has it."""

    tentacles: dict[PurePosixPath, Path]
    profiles: dict[PurePosixPath, Path]

    @property
    def profile_names(self) -> tuple[str, ...]:
        return tuple(path.name for path in self.profiles)

    def marker_files(self) -> dict[PurePosixPath, Path]:
        """One file of each part, without which the part is not there."""
        markers = {path / "metadata.json": source / "metadata.json" for path, source in self.tentacles.items()}
        return markers | {path / "profile.json": source / "profile.json" for path, source in self.profiles.items()}

    def read(self) -> Files:
        """Everything of every part that is shipped."""
        return {
            path / file.relative_to(source): file.read_bytes()
            for path, source in {**self.tentacles, **self.profiles}.items()
            for file in sorted(source.rglob("*"))
            if file.is_file() and _is_shipped(file.relative_to(source))
        }


def main(arguments: argparse.Namespace) -> int:
    """`volume-booster pack`: build the zip and print where it is.

    :raises BundleError: as `pack`.
    """
    lines.say(str(pack(arguments.out)))
    return ExitCode.DONE


def profiles() -> dict[str, Path]:
    """The bundle's profiles by their id, and the directory in which this package has each.

    :raises BundleError: this package is incomplete.
    """
    return {path.name: source for path, source in own_parts().profiles.items()}


def own_version() -> str:
    """The version of the bundle that this package is.

    :raises BundleError: this package is incomplete.
    """
    mode = next(iter(own_parts().tentacles.values()))
    return str(json.loads((mode / "metadata.json").read_text(encoding="utf-8"))["version"])


def pack(out: Path) -> Path:
    """Build the zip that `OctoBot tentacles -i -a -l ZIP` installs, and return its path.

    OctoBot's own packer makes it. The same sources give the same bytes. An existing file is replaced, whole or not at
    all.

    :raises BundleError: OctoBot is missing or its packer failed, this package is incomplete, `out` can't be written.
    """
    out, parts = out.absolute(), own_parts()
    if out.is_dir() or not out.parent.is_dir():
        raise BundleError(f"{out} can't be written: name a file in a directory that exists.")
    with scratch_directory() as scratch:
        stage, work, files = scratch / "stage", scratch / "work", parts.read()
        work.mkdir()
        for path, content in files.items():
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            (stage / path).write_bytes(content)
        run_tentacles_command(work, "-p", "bundle.zip", "--export-with-package-name", "-d", str(stage))
        if read_zip(work / "output" / "bundle.zip", parts) != files:
            raise BundleError("OctoBot's packer reported success but did not pack every file.")
        write_zip(files, out, private_files.PUBLIC_RIGHTS)
    return out


def own_parts() -> Parts:
    mode = Path(__file__).resolve().parents[2]
    in_wheel, in_checkout = mode / "bundle", mode.joinpath("..", "..", "..").resolve()
    root = in_wheel if (in_wheel / "metadata.json").is_file() else in_checkout
    if not (root / "metadata.json").is_file():
        raise BundleError(f"{mode} holds a part of the bundle only: use the repository or the pip package.")
    metadata = json.loads((root / "metadata.json").read_text(encoding="utf-8"))
    tentacles = {PurePosixPath(path): root / path for path in metadata["tentacles"]}
    if root == in_wheel:  # there the mode is the package itself, and other tentacles are packages inside it
        tentacles = {path: mode if path.parts[1] == "Mode" else mode / path.name for path in tentacles}
    parts = Parts(
        tentacles=tentacles,
        profiles={PurePosixPath("profiles", name): root / "profiles" / name for name in metadata["profiles"]},
    )
    for file in parts.marker_files().values():
        if not file.is_file():
            raise BundleError(f"This installation of the volume booster is incomplete: {file} is missing.")
    return parts


def _is_shipped(path: Path) -> bool:
    """Whether a file belongs in the bundle, by its path inside its part."""
    is_by_product = any(name in {"__pycache__", "tests"} or name.startswith(".") for name in path.parts)
    return not is_by_product and path.suffix != ".pyc" and path.parts[0] not in _NESTED_IN_WHEEL


def read_zip(bundle: Path, parts: Parts) -> Files:
    try:
        with zipfile.ZipFile(bundle) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            content = {PurePosixPath(name): archive.read(name) for name in names}
    except (OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"{bundle} is not a readable zip file: {text_of(error)}.") from error
    files = {path.relative_to(_ARCHIVE_ROOT): data for path, data in content.items() if path.parts[0] == _ARCHIVE_ROOT}
    for marker in parts.marker_files():
        if marker not in files:
            raise BundleError(f"{bundle} is not a bundle of the volume booster: {_ARCHIVE_ROOT}/{marker} is missing.")
    return files


def write_zip(files: Files, target: Path, rights: int = private_files.FILE_RIGHTS) -> None:
    """A zip in a fixed order and without the time of packing, so that the target is old or new, never a part of it."""
    with private_files.replacing(target, rights) as part, zipfile.ZipFile(part, "w") as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{_ARCHIVE_ROOT}/{path}", _ZIP_EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def version_of(files: Files, parts: Parts) -> str:
    metadata = next(iter(parts.tentacles)) / "metadata.json"
    try:
        return str(json.loads(files[metadata])["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{metadata} in the bundle does not say its version.") from error


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory for the time of one job; what the file system refuses in that job becomes a BundleError."""
    try:
        with tempfile.TemporaryDirectory(prefix="volume_booster_", ignore_cleanup_errors=True) as directory:
            yield Path(directory).resolve()
    except OSError as error:
        raise BundleError(f"A file or directory can't be used: {text_of(error)}.") from error


def run_tentacles_command(directory: Path, *args: str) -> None:
    """`OctoBot tentacles ARGS` in a directory; its log lines end up in `logs` there."""
    if not is_octobot_installed():
        raise BundleError('OctoBot is not installed in this Python environment: pip install "octobot[full]".')
    try:
        exit_code, output = run_octobot(directory, "tentacles", *args, timeout_s=_COMMAND_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"OctoBot's tentacles command did not end in {_COMMAND_TIMEOUT_SECONDS:.0f} s.") from error
    if exit_code != 0:
        raise BundleError(f"OctoBot's tentacles command failed: {_reason(output)}")


def _reason(output: str) -> str:
    """The first error that OctoBot logged, or else the last line of what it printed, a traceback's conclusion."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines() if line.strip()]
    errors = (re.match(r"[\d,:\- ]+ERROR\s+\S+\s+(.+)", line) for line in lines)
    logged = next((error[1] for error in errors if error), None)
    return logged or (lines[-1] if lines else "it gave no reason.")
