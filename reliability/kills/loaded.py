"""What a node loads on its way to serving. Forked nodes have it from the process they are forked from."""

import uvloop

import tests.endtoend.homes
import watchline.cli.main
import watchline.cli.service
import watchline.desk.node
import watchline.routes.tls

__all__ = ["tests", "uvloop", "watchline"]
