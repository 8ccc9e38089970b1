"""What the refresh engine costs and carries: `python -m benchmarks`."""
