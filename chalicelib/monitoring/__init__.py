"""What operators and machines see: readiness and the Prometheus exposition."""
