"""A page in the browser: a deployment as it changes, and its model to try."""
