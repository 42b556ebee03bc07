"""Benchmarks of Groundwork.

`python -m benchmarks` prints them and writes benchmarks/results/.
"""
