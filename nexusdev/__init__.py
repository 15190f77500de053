"""The whole production-like Nexus platform on one machine, with one command."""

__version__ = "0.1.0"
