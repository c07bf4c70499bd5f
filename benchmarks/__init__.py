"""Ours beside the rivals': ``python -m benchmarks`` prints the table."""
