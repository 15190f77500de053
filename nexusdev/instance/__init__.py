"""The identity of an instance, its state folder, ports, secrets, certificates and lock."""
