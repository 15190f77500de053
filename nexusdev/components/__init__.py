"""The products of the stack: how each is probed, seeded and proven, and which variables it publishes.

One folder per product. A file has the same name and the same main function in every folder that needs it:

    component.py      create: the component, which puts the following together
    names.py          groups, roles, ports, users and secrets; the servers of a group come from the stack
    probe.py          probe: collects facts from the servers
    readiness.py      the types of the facts, and assess: decides from them, pure
    status.py         statuses: the rows of ``status``, pure
    seed.py           seed, with desired_state.py where there is much to create
    project_seed.py   apply: the project's own seed files
    variables.py      variables and credentials for applications
    quick_proof.py    endpoints: the proof before ``env``, with ``nexusdev.wire`` alone
    proof.py          prove: the full proof after ``up``
    rotate.py         rotate: new passwords
    lease.py          the component's part of a lease, see ``leases``
    baseline.py       reset_data: back to the seeded state, see ``components.baseline``
    load.py           clients that work during a drill, see ``drills``
    scenarios.py      SCENARIOS: the drills of the product
    scores.py         SCORES: figures that ``verify`` measures, and security controls, see ``components.scores``
    companions.py     variables of the product's clients that change what the published ones mean
    client.py         the client library; light_client.py where a probe needs a quicker one
    command.py        HELP of the command that runs the product's own client; arguments.py: whether that reads its input

``registry.create`` makes a component by its name, and a ``ComponentSet`` keeps those of one context. A component gets an InstanceAccess
and never imports another component.
"""
