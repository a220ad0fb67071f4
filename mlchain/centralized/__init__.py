"""Learning with a trusted server, without verification: rules, service, worker, simulation, and the Counter to join."""
