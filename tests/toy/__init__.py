"""A component that is not part of the platform: its server, its compose file and its code, as CONTRIBUTING tells to add one."""
