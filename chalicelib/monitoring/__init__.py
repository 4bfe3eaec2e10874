"""What operators and machines see: readiness, metrics of a region and of its environments, their history."""
