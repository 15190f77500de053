"""Drills: a scenario breaks a server while clients work, and everything that a user would notice is measured.

    catalogue.py    the scenarios of all components, and which servers a scenario hits now
    load.py         clients that work in threads, and remember each operation
    measure.py      what the operations say: gaps, errors, lost writes. Pure
    history.py      whether a history of a register is linearizable. Pure
    verdict.py      which targets are met. Pure
    undo.py         the record of what must be undone, also by another process
    missing.py      what cannot be drilled here, and why

``operations.drill`` runs them. Components declare scenarios and clients (``components.drills``).
"""
