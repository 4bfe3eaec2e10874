"""Text as Prometheus's exposition format needs it."""


def escaped(value: str) -> str:
    """``value`` as a label's value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
