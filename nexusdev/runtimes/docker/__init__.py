"""The Docker runtime: an instance on a Docker engine, through the Engine API."""
