"""The demo: one day on a line between two desks, played for real on this machine, and every claim of it checked."""

from watchline.demo.play import run

__all__ = ["run"]
