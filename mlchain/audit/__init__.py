"""The audit: holds every event of a deployment against the protocol, from the logs alone and without a chain."""
