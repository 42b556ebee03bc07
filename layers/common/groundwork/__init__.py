"""Groundwork: product feedback into a backlog, and plans carried out, with Claude."""
