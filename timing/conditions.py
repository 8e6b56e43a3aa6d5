"""What is known of a device at one moment: its mode, signs of life, newest report, and where it stands."""

import math
from typing import NamedTuple

from timing import clocks

CONNECTED_FOR = 150 * clocks.SECOND
"""A device is connected while its last sign of life is younger: 2.5 reporting intervals of 60 s."""
EARTH = 6_371_009
"""The mean radius, in metres."""

Place = tuple[float, float]
"""Latitude and longitude, in degrees."""


class Condition(NamedTuple):
    """What is known of a device, most of it from its newest report. None: it did not say."""

    bound: bool = True
    mode: str | None = None
    reported_at: int | None = None
    """The moment that the newest report tells of, and below when it came."""
    report_came_at: int | None = None
    telemetry_at: int | None = None
    """When any report came last."""
    passings_at: int | None = None
    """When passings came last."""
    battery: float | None = None
    charging: bool | None = None
    temperature: float | None = None
    reader_connected: bool | None = None
    clock_source: str | None = None
    pending: int | None = None
    pending_before: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    anchor_latitude: float | None = None
    """Where it stood when it began to time."""
    anchor_longitude: float | None = None

    @property
    def heard_at(self) -> int | None:
        """The last sign of life."""
        return max((at for at in (self.telemetry_at, self.passings_at) if at is not None), default=None)

    @property
    def timing(self) -> bool:
        return self.mode == "START" or self.mode == "TEST"

    @property
    def place(self) -> Place | None:
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    @property
    def anchor(self) -> Place | None:
        """Where it began to time; the first place that is told while it times. None while it does not."""
        if not self.timing:
            return None
        if self.anchor_latitude is None or self.anchor_longitude is None:
            return self.place
        return self.anchor_latitude, self.anchor_longitude

    @property
    def silent_at(self) -> int | None:
        """When it will be taken for silent if nothing more is heard; None if it need not send."""
        heard = self.heard_at if self.bound and self.mode == "START" else None
        return None if heard is None else heard + CONNECTED_FOR

    @property
    def moved(self) -> float | None:
        """Metres from where it began to time; None while it does not time, or where a place is not known."""
        anchor, place = self.anchor, self.place
        if anchor is None or place is None:
            return None
        return 0.0 if anchor == place else metres(anchor, place)


def metres(one: Place, other: Place) -> float:
    """The way between two places along the surface of the earth, by the haversine formula."""
    north, other_north = math.radians(one[0]), math.radians(other[0])
    width = math.radians(other[1] - one[1])
    half = math.sin((other_north - north) / 2) ** 2
    half += math.cos(north) * math.cos(other_north) * math.sin(width / 2) ** 2
    return 2 * EARTH * math.asin(math.sqrt(min(half, 1.0)))
