"""What the contracts compute, computed again off the chain: pure functions and values, no numpy, no chain.

- content, commitments, draw: bytes and their hashes, what a seat commits to, seed and committee
- terms: what a deployment and a round can be, quorums among it
- rounds: a job, its phase and its outcome
- settlement: what a seat gets, and when a stake may be withdrawn
- events, pool, ledger: the contracts' events, and the state that they come to
- calls: what an actor sees of that state, and what it sends
- odds: the chances of a job, before its committee is drawn
"""
