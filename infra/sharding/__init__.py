"""Collections over shards: what a cluster lacks of the plan, step by step, and what makes a key good or bad."""
