"""Groundwork: turns product feedback into a backlog, and plans into commits, with Claude."""
