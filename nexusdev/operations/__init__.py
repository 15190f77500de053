"""One module per command. Each takes a Context and returns a frozen Result; ``cli/rendering/`` turns it into text and JSON."""
