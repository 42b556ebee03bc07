"""Sandboxes: machines for a repository's own, untrusted commands."""
