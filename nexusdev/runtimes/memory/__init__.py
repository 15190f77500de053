"""The in-memory runtime: a fake engine for tests, held to the same contract as the Docker runtime."""
