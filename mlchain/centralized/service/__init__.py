"""Settings, signed requests, the store, and the service that keeps a federation in it; without a network."""
