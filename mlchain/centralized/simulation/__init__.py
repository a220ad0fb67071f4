"""Plays everybody on this machine: the real service and a process per worker, beside a local chain."""
