"""What the Docker runtime does beyond the contract: namespaces, networks, names, strangers; against the engine in memory too."""
