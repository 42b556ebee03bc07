"""What `make deploy` does beyond `sam deploy`."""
