"""What `make check` asks beyond lint and types."""
