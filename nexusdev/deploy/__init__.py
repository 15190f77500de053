"""Bringing an instance up: prepare, execute the plan, wait until ready, seed, prove, publish.

Also what other commands share with ``up``: ``command_lock`` (one command at a time changes an instance), ``teardown`` (``down`` and
``destroy``), ``renew`` and ``coverage`` (``env``).
"""
