"""What a client wrote into an input, and what it left out."""

import enum
from typing import Any

from strawberry import UNSET


def written(given: object) -> dict[str, Any]:
    """The fields of a patch that were written; null is something written."""
    return {name: _plain(value) for name, value in vars(given).items() if value is not UNSET}


def filled(given: object) -> dict[str, Any]:
    """The fields of something new that say something; null stands for what is usual."""
    return {name: value for name, value in written(given).items() if value is not None}


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, enum.Enum) else value
