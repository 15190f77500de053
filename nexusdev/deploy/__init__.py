"""Bringing an instance up: prepare, execute the plan, wait until ready, seed, prove, publish."""
