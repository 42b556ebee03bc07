"""The whole system on one machine, read from template.yaml: `python -m local`.

`local.system.LocalSystem` is the same thing as a context manager, for tests and the demo.
"""
