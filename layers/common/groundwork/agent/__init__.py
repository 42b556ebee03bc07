"""Agent: runs a task as a model session with file tools in a checkout.

Knows no SDK and no git.
"""
