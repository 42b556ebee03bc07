"""The whole system on one machine, built from template.yaml: `python -m local`.

Tests and the demo use `local.system.LocalSystem`, a context manager.
"""
