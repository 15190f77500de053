"""What each product needs: how to tell that it is ready, what to seed, which variables to publish, how to prove them.

One folder per product, the same file names in each: readiness.py (look, judge) · seed.py · variables.py · proof.py · client.py.
``registry.ALL`` makes them by name, and a ``ComponentSet`` keeps those of one context.
A component sees a Site and nothing else; it never imports another component.
"""
