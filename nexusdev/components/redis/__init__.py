"""Redis: one master, two replicas and three sentinels, with a relay to the sentinels for applications on the host."""
