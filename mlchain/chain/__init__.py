"""The chain: the only place that talks to a node, and the record of what was deployed there."""
