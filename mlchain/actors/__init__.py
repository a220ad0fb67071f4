"""Those who act on the chain: the learning server and the workers, honest and evil."""
