"""The kind runtime: a cluster of one node in a container of the engine, for one instance."""
