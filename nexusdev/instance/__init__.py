"""Who I am: the identity of an instance, its state folder, ports, subnet, secrets, certificates and lock."""
