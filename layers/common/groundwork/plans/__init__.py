"""Plans: what they are, how they are written, reviewed, edited and reckoned with. Start at `model`."""
