"""The desired state: reads the compose files into a frozen Stack. Pure but for reading the files."""
