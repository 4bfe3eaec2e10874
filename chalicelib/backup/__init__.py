"""Backups: a region's database as objects elsewhere, and back again. Pure but for its ports.

``taking`` writes them, ``shelf`` finds and checks them, ``restoring`` makes a database of one, ``replaying`` goes on
from there to a point in time, ``keeping`` says which are kept. docs/backup.md has the format.
"""
