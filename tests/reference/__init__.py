"""The protocol in plain Python, written from docs/protocol.md: what the contracts are held against, step by step.

Its tables, hashes, draw and limits are its own. With what it tests it shares the libraries for Keccak-256 and the ABI,
whose own tests are better than any here would be, and `RoundTerms`, the value that a call of `deployRound` carries.
"""
