"""What is decided and computed, from values alone: the federation's rules, aggregation, shares, training on them."""
