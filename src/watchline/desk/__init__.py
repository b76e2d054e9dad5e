"""The runtime of one desk: the only place where core, journal, routes and catalogue meet.

`desk` commits first and sends second, `node` serves it over the network and a local socket, `api` is what people and programs
ask of it, `home` is the folder it lives in.
"""
