"""Toy: one server that stores one value."""
