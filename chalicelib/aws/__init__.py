"""What the arena asks of the Lambda platform itself: adapters of ``scaling``'s ports on boto3."""
