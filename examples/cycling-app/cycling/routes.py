"""Routes over stops, in the order in which the next one is the nearest."""

from cycling.rides import Point, between_km


def planned(stops: list[Point]) -> list[Point]:
    """The first stop stays the first."""
    if not stops:
        return []
    route, left = [stops[0]], stops[1:]
    while left:
        nearest = min(left, key=lambda stop: between_km(route[-1], stop))
        route.append(nearest)
        left.remove(nearest)
    return route
