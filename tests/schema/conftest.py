"""Answers read aloud, and a machine to look inside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.schema.machine import Machine, running

NOBODY = "F" * 64
"""A device or session that nobody has."""


def code(answer: dict[str, Any]) -> str:
    """The code of the only error."""
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


def fields(answer: dict[str, Any]) -> dict[str, str]:
    """What the only error, one of input, says of which field."""
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT", error
    return dict(error["extensions"]["fields"])


def nodes(connection: dict[str, Any], field: str) -> list[Any]:
    return [edge["node"][field] for edge in connection["edges"]]


@pytest.fixture
async def machine(url: str, broker_url: str) -> AsyncIterator[Machine]:
    async with running(url, broker_url) as made:
        yield made
