"""Training in exact integers: the same bytes on every machine."""
