"""The gateway: two HAProxies that answer to the role names of the platform."""
