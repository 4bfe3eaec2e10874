"""The yardstick: a Chalice application with the same libraries, which asks MongoDB and Redis one question each."""

import os
from typing import Any

import pymongo
import redis
from chalice.app import Chalice

app = Chalice(app_name="bare")


@app.route("/bare")
def bare() -> dict[str, Any]:
    """Connects on its first request, as the arena does."""
    secrets = _secret() if "ARENA_SECRET_ID" in os.environ else os.environ
    client = pymongo.MongoClient[dict[str, Any]](secrets["MONGO_URI"])
    found = client[os.environ["MONGO_DATABASE"]]["gamemodes"].find({})
    kept = redis.Redis.from_url(secrets["REDIS_URL"])
    return {"modes": [mode["key"] for mode in found], "redis": kept.ping()}


def _secret() -> dict[str, str]:
    import json

    import boto3

    client = boto3.client("secretsmanager")
    value: dict[str, str] = json.loads(client.get_secret_value(SecretId=os.environ["ARENA_SECRET_ID"])["SecretString"])
    return value
