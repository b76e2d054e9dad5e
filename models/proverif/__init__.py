"""ProVerif models of the key schedule, the verdicts recorded for them, and their text adapted to the present blinding."""
