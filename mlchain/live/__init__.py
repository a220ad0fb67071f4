"""The programs that run for weeks against a node of somebody else's: server, worker, and who looks at what they did."""
