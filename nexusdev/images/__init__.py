"""Provides images: the lockfile names them and their sources; missing ones are pulled or built."""
