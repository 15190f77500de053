"""A runtime of these tests that is nothing like Docker: pods, whose containers live and die together, in a cluster in memory.

It proves that the neutral suite asks nothing that only Docker has: pods have random names, a stopped service has no pod and no exit
code, what crashes is restarted, times are whole seconds of a clock that is an hour ahead, a secret is an object, there is no network
or container id, and a service cannot be paused. ``runtime.py`` and ``planner.py`` are also a small example of a runtime.
"""
