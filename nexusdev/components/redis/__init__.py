"""Redis: one master, two replicas and three sentinels, with a relay beside each sentinel for applications on the host."""
