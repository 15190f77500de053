"""What must change: the difference between a Stack and a Snapshot as printable Steps. Pure."""
