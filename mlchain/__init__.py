"""Paid, verified machine learning on a blockchain: the off-chain package."""
