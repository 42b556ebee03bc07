"""Simulations of plan executions: the real code on models of AWS and git."""
