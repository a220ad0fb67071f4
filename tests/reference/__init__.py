"""The protocol in plain Python, written from its description: what the contracts are held against, step by step."""
