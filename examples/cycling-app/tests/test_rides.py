import unittest

from cycling.rides import Point, Ride
from cycling.routes import planned

HOME, MILL, LAKE = Point(0, 52.52, 13.40), Point(600, 52.53, 13.42), Point(1_200, 52.60, 13.60)


class RidesTest(unittest.TestCase):
    def test_a_degree_of_latitude_is_111_km(self) -> None:
        self.assertAlmostEqual(Ride("North", (Point(0, 0, 0), Point(1, 1, 0))).distance_km, 111.2, places=1)

    def test_a_pause_is_no_moving(self) -> None:
        self.assertEqual(Ride("Mill", (Point(0, 0, 0), Point(10, 0, 0), Point(500, 0, 0))).moving_s, 10)

    def test_a_route_goes_to_the_nearest_stop_first(self) -> None:
        self.assertEqual(planned([HOME, LAKE, MILL]), [HOME, MILL, LAKE])
