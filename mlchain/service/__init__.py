"""The learning server of federated learning as an HTTP service, and the worker program that talks to it."""
