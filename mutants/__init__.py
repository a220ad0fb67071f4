"""Mutation testing of the contracts: whether the tests notice a small wrong change, wherever it is made."""
