"""Records rides, plans routes and shows how far you have come."""
