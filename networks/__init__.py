"""Local proof-of-authority networks of several validators, for GoQuorum and for upstream Geth."""
