"""The chain: the only place that talks to a node, and the record of what was deployed there."""

from mlchain.chain.light_ape import import_ape

import_ape()
