"""The service on the web, the client of its requests, and the worker program."""
