"""Paid, verified machine learning on a blockchain: the off-chain package."""

__version__ = "0.2.0"
