"""Entry points: HTTP routes and the events of other AWS services."""
