"""Checks of `make check` beyond lint and types."""
