"""Scaling: tiers as data now; the model, rules and policies that move between their bounds belong here too.

Pure files import the standard library and ``chalicelib.errors`` only.
"""
