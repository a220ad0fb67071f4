"""The on-chain referee."""
