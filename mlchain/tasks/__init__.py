"""What can be learned: data sets, their default recipes, and the tasks built from them."""
