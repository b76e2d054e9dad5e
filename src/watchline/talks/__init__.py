"""The talks: rounds from proposal to readouts, and what they leave behind: commitments, open items, standing arrangements.

Pure, and on core alone: it judges what both desks said on their line (`moves.Record`), and never asks a clock or a journal.
Both desks find the same from the same entries, whatever crossed on the way. See docs/talks.md.
"""
