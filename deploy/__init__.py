"""Steps of `make deploy` after `sam deploy`."""
