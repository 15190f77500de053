"""Redis: one master, two replicas and three sentinels, with a relay to the sentinels for applications on the host.

Files that only this component has:

    users.py  sets the users on every node, and changes their passwords
"""
