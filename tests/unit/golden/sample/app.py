"""One of each kind of function the arena has or will have: what the template builder is tried on."""

import os

from chalice.app import Chalice, Rate

app = Chalice(app_name="aiba-arena")


@app.route("/health")
def health() -> dict[str, str]:
    """Which environment answered."""
    return {
        "initialization": os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ""),
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        "version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
        "base": os.environ.get("PUBLIC_BASE_URL", ""),
        "database": os.environ.get("MONGO_DATABASE", ""),
    }


@app.route("/{proxy+}", methods=["GET", "POST"])
def rest() -> dict[str, dict[str, str]]:
    """Every other path."""
    return {"rest": app.current_request.uri_params}


@app.schedule(Rate(1, unit=Rate.HOURS))
def sweep(_event: object) -> None:
    """A schedule."""


@app.on_sqs_message(queue="sample-battles", batch_size=10)
def battles(_event: object) -> dict[str, list[str]]:
    """A queue."""
    return {"batchItemFailures": []}
