"""An example of a component that is not part of the stack, laid out as the repository is; ``make component`` copies it.

    compose/toy/       its compose file and its server, as compose/<product>/
    components/toy/    its code, as nexusdev/components/<product>/

Its tests are in ``tests/unit/components/toy/``, as those of every component. ``scenario.py`` runs it through every command.
"""
