"""The ground floor: the line's protocol, its log and its proofs, as values.

Bytes and values in; events and effects out. Nothing here opens a socket or a file, reads a clock, starts a thread or knows
asyncio. Time and randomness are arguments. Two library calls draw their own randomness and cannot be given any: the HPKE
encapsulation in `epochs` and `pairing`, and ML-DSA signing; no rule of the protocol depends on what they draw.

Any bytes given to a function of this package give a typed, verified value or a `PeerError`; nothing else.
"""
