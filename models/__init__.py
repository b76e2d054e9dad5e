"""Models of the protocol, and the runner that checks them: `make models`."""
