"""Measures learning, cost and scale, each beside a reference in the same run, and writes docs/results.md."""
