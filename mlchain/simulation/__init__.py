"""One server and many workers in one process, on one chain: plays rounds, checks the books, reports."""
