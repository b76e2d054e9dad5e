"""Breaking Watchline on purpose: what is run, and what it guarantees, is in docs/reliability.md."""
