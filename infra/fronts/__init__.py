"""The fronts before the arena: nginx and HAProxy, for one region or for several, rendered from frozen data. Pure."""
