"""LocalStack plug-in: Lambda environments as operating-system processes, and patches for LocalStack's own faults."""
