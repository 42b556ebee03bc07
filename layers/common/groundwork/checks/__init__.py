"""Checks: a repository's own commands, run in a sandbox as the proof of a change."""
