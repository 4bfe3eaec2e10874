"""``make demo``: real traffic, speeded up, on the local stack; the deployed controller scales it by itself."""
