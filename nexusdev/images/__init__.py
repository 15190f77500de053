"""Provides images: the lock names them and their sources; missing ones are pulled or built."""
