"""The runtimes in which instances run: a Docker engine, or one in memory for tests."""
