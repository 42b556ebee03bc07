"""Sandboxes under faults: the real keeper, runner and rows over a model of the service."""
