"""What the contracts compute, computed again off the chain: pure functions and values, no numpy, no chain."""
