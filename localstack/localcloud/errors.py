"""What can go wrong with the local cloud, in words a person can act on."""


class LocalCloudError(Exception):
    """A failure with one clear message and, where there is something to do about it, a ``hint``."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PortTaken(LocalCloudError):
    """A port the local cloud was told to use already has a listener."""


class AlreadyRunning(LocalCloudError):
    """Another live supervisor owns the state directory."""


class ServerFailed(LocalCloudError):
    """A server did not become ready, or ended while it was needed."""


class StopRequested(Exception):
    """The user asked to stop; not a failure."""
