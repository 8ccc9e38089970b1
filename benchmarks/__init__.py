"""What the refresh engine costs and carries, and what calling costs: `python -m benchmarks`."""
