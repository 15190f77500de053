"""Who I am: the identity of an instance, its state folder, ports, secrets, certificates and lock."""
