"""A ride: the points that were recorded, how far they lead and how long it took."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371.0088
PAUSE_S = 60
"""So long without a point is a pause."""


@dataclass(frozen=True)
class Point:
    """`at` in seconds since 1970, the place in degrees."""

    at: float
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Ride:
    title: str
    points: tuple[Point, ...]

    @property
    def distance_km(self) -> float:
        return sum(between_km(a, b) for a, b in zip(self.points, self.points[1:], strict=False))

    @property
    def moving_s(self) -> float:
        steps = (b.at - a.at for a, b in zip(self.points, self.points[1:], strict=False))
        return sum(step for step in steps if step < PAUSE_S)


def between_km(a: Point, b: Point) -> float:
    """Along a great circle."""
    up, across = radians(b.latitude - a.latitude), radians(b.longitude - a.longitude)
    chord = sin(up / 2) ** 2 + cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(across / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(chord))


def total_km(rides: Iterable[Ride]) -> float:
    return sum(ride.distance_km for ride in rides)
