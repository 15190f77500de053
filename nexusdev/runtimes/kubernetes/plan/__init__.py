"""Plans for a cluster: the difference between what shall exist and a Snapshot as printable steps. Pure."""
