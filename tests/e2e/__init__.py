"""The whole local cloud, as a user starts it. A package, so that its cloud ends with its last test."""
