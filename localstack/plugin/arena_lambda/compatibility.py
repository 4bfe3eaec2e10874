"""The one LocalStack release whose internals this plug-in was written against."""

SUPPORTED_LOCALSTACK = "4.13.1"


class UnsupportedLocalStackError(RuntimeError):
    """The installed LocalStack is not the release the patches were written for."""


def check_localstack_version(installed: str) -> None:
    """Raise UnsupportedLocalStackError unless ``installed`` is exactly the supported release.

    The patches replace private functions, so a near miss is more dangerous than a refusal.
    """
    if installed != SUPPORTED_LOCALSTACK:
        raise UnsupportedLocalStackError(
            f"aiba-arena-lambda needs LocalStack {SUPPORTED_LOCALSTACK}, found {installed}: "
            "install localstack/requirements-localstack.txt, or port the patches and change SUPPORTED_LOCALSTACK"
        )
