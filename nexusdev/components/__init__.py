"""The products of the stack: how to probe and seed each one, which variables it publishes, and how they are proven.

One folder per product, the same file names in each: component.py (what it declares) · readiness.py (probe, assess) · seed.py · variables.py ·
quick_proof.py (for ``env``, by ``nexusdev.wire`` alone) · proof.py (after ``up``) · client.py · command.py (the help of its client's command).
``registry.ALL`` makes them by name, and a ``ComponentSet`` keeps those of one context.
A component only gets an InstanceAccess; it never imports another component.
"""
