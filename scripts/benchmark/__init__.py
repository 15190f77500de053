"""The shipped benchmark: `make bench` measures what nexusdev promises and writes docs/benchmarks.md.

Absolute times on a shared machine mean little, so everything is taken in one run and stands beside a peer: Docker Compose's
`up --wait` on the same files (as they stand, and with the healthchecks of a user who wants speed), the engine's floor (the same
containers created and started with no waiting at all), and an empty Python process. Rounds alternate, so that a slow minute
hurts all of them.

    project   one project of the benchmark's own, and the samples taken in it
    rounds    what is done, in which order
    floor     the same containers with no waiting
    peer      Docker Compose on the same files
    costs     processor time and memory of the idle stack
    cold      `make up` on an engine without any image; cold_record reads a first run's own output
    figures   distributions, and which span made a round slow (pure)
    rows      each act beside what it is compared with, and its promise (pure)
    report    docs/benchmarks.md (pure)
"""
