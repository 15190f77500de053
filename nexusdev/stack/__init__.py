"""What we want: the compose files as a frozen Stack. Pure but for reading the files."""
