"""The in-memory runtime: a fake engine for tests, tested by the same contract suite as the Docker runtime."""
