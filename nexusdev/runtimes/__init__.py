"""Where an instance runs: a Docker engine, or a world in memory."""
