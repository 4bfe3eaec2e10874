"""What players were told held against what all regions hold in the end. Imports nothing of the arena's.

Every rule is a function of a ``Case`` that names what it finds wrong; ``verdict`` asks them all.
"""
