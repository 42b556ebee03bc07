"""Figures that Groundwork is built to. `python -m benchmarks` prints them and writes benchmarks/results/."""
