"""How many environments are kept warm: tiers, rules and policies that decide, the controller that observes and applies.

Pure files import the standard library and ``chalicelib.errors`` only.
"""
