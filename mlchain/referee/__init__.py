"""The on-chain referee, off the chain: the trace of a job, and twins of the rules that contracts judge it by."""
