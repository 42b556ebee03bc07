"""Execution of plans: gates, commands, attempts and rollback.

Pure; stores and AWS are ports.
"""
