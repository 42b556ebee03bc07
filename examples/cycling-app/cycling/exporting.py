"""Rides for other programs."""

import csv
import io

from cycling.rides import Ride


def as_csv(ride: Ride) -> str:
    """A line a point: time, latitude, longitude."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["at", "latitude", "longitude"])
    writer.writerows((point.at, point.latitude, point.longitude) for point in ride.points)
    return out.getvalue()
