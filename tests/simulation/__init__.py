"""Simulations of the real run engine on virtual time.

AWS and the language model are models with faults, drawn from a seed.
"""
