"""``python -m localcloud.websocket``: runs the gateway until it is told to stop."""

import argparse
import logging
import sys

from aiohttp import web

from localcloud.ports import LOOPBACK
from localcloud.websocket.functions import LambdaFunctions
from localcloud.websocket.gateway import Gateway

SHUTDOWN_SECONDS = 2.0


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(prog="localcloud.websocket")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--localstack", required=True, help="LocalStack's URL")
    parser.add_argument("--stack", required=True, help="name of the deployed stack, the same in every region")
    parser.add_argument("--regions", required=True, help="comma separated")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    gateway = Gateway(LambdaFunctions(arguments.localstack, arguments.stack), arguments.regions.split(","))
    web.run_app(
        gateway.application(),
        host=LOOPBACK,
        port=arguments.port,
        access_log=None,
        print=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )


main()
