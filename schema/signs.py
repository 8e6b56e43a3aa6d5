"""Signs of life: when a device was heard last, and whether that makes it connected."""

import enum
from collections.abc import Callable
from typing import TypeVar

import strawberry

from models.sessions import Counts
from resolvers import devices
from schema.loaders import Loaders
from schema.readings import then

R = TypeVar("R")


@strawberry.enum(description="Whether a device is heard.")
class ConnectionState(enum.Enum):
    # Not `Connection`: for clients of Relay whatever ends so is a page of a list.
    CONNECTED = strawberry.enum_value("CONNECTED", description="Its last sign of life is younger than 150 s.")
    DISCONNECTED = strawberry.enum_value("DISCONNECTED", description="Nothing was heard for 150 s or ever.")


def last_seen_of(device_row: int, loaders: Loaders, use: Callable[[int | None], R]) -> R:
    """What is made of the moment when a device was heard last."""

    def with_counts(counts: Counts) -> R:
        return then(loaders.health, device_row, lambda health: use(devices.last_seen(counts, health)))

    return then(loaders.counts, device_row, with_counts)


def connection_of(device_row: int, loaders: Loaders) -> ConnectionState:
    def seen(at: int | None) -> ConnectionState:
        connected = devices.connected(loaders.ctx, at)
        return ConnectionState.CONNECTED if connected else ConnectionState.DISCONNECTED

    return last_seen_of(device_row, loaders, seen)
