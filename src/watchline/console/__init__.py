"""The console: the desk's screen in a browser on the node's own machine, at http://localhost:PORT.

It runs beside the node, on its event loop, and sees the desk only through `Api.call`. `service.py` begins and ends it,
`guard.py` says who is let in, `app.py` what is answered.
"""
