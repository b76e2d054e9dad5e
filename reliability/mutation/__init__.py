"""Mutation testing of core: small faults are put into the modules that carry a guarantee, and the tests must see each one.

    make mutate                         # all modules, going on where the last run ended; then the table
    make mutate MODULE=merkle           # one module
    make mutate MODULE=line COUNT=50    # 50 more of its mutants, drawn by chance

`operators` makes the mutants, `preload` loads what they cannot reach, `trial` tries one against the tests of its module,
`session` remembers each outcome, and `score` counts: score.json is the record, survivors.toml says of each survivor why no test
can see it.
"""
