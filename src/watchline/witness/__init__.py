"""The witness service: a third party that cosigns checkpoints with its own clock (C2SP tlog-witness), and reads nothing.

It knows origins, sizes and roots. What it promises is one thing: of each log that it serves it never signs a head that does not
go on from the one that it signed before. So the new head is durable before a signature leaves, and a witness whose file is lost
does not start again under its old key.
"""
