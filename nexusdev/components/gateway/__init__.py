"""The gateway: two HAProxies that serve the role names of the platform."""
