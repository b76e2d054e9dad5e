"""Watchline: a direct line between two duty desks that cannot be ignored unseen."""

__version__ = "0.1.0"
