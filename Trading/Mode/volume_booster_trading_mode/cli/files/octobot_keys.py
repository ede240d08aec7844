"""Keys as OctoBot keeps them in its configuration: encrypted with the one key that every OctoBot has.

That hides them from a glance, not from somebody who has the file: its rights do that.
"""

from __future__ import annotations

import ast
import importlib.util
import pathlib

_PACKAGE = "octobot_commons"
_NAME = "OCTOBOT_KEY"


class UnknownKeyError(Exception):
    """OctoBot does not say how it encrypts; the message is one sentence."""


def encrypted(secret: str) -> str:
    """A secret as OctoBot would write it into its configuration.

    :raises UnknownKeyError: when the OctoBot of this environment does not say how.
    """
    from cryptography.fernet import Fernet  # only where there are keys

    return Fernet(_octobots_key()).encrypt(secret.encode()).decode()


def _octobots_key() -> bytes:
    """Read from OctoBot's source: importing it would take more than a second."""
    spec = importlib.util.find_spec(_PACKAGE)
    source = pathlib.Path(spec.origin).read_text("utf-8") if spec is not None and spec.origin else ""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and [name.id for name in node.targets if isinstance(name, ast.Name)] == [_NAME]:
            value = ast.literal_eval(node.value)
            if isinstance(value, bytes):
                return value
    raise UnknownKeyError(f"this OctoBot does not say how it encrypts keys: {_PACKAGE} has no {_NAME}")
