"""What makes the real cloud, and by the same code the local one: tiers into templates, templates into stacks."""
