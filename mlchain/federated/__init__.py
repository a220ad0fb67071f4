"""Federated learning with a trusted server: every worker trains on its own share of the data."""
