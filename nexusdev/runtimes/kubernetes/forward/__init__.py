"""The forward: a process of this machine that passes the instance's host ports on to the gateway for development of a cluster.

It is started by ``up`` and ``start``, ends with ``stop``, ``down`` and ``destroy``, and connects again by itself. Only the standard library is
imported in it, so that it stays small.
"""
