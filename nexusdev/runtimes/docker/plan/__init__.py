"""Plans for a Docker engine: the difference between a Stack and a Snapshot as printable steps. Pure."""
