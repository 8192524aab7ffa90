"""How fast remit is, as ratios: `python -m benchmarks` runs everything; README.md says what each figure includes."""
