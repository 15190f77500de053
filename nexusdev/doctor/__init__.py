"""The checks of ``doctor``: the engine and this machine, the instance and its files."""
