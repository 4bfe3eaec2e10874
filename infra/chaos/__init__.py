"""``make chaos``: three local regions are played while servers and links fail; what was acknowledged is checked."""
