"""What all regions hold: read from their databases and queues directly."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bson import ObjectId, encode
from pymongo import MongoClient, ReadPreference
from pymongo.database import Database
from pymongo.errors import PyMongoError

from infra.chaos.checker.model import Letter, State
from infra.chaos.cloud import ChaosCloud
from infra.cloud import Cloud
from infra.template.stage import STAGES
from localcloud.ports import LOOPBACK
from localcloud.topology import STAGE

COLLECTIONS: Final = (
    *("users", "brokers", "battles", "ledgerentries", "guilds", "battlejobs", "economydays"),
    *("outbox", "replicationevents", "conflicts"),
)
REPLICATED: Final = (
    *("users", "brokers", "battles", "ledgerentries", "guilds", "battlejobs", "economydays", "actionrunkeys", "outbox"),
)
"""What members of a replica set are compared by."""
_FIELDS: Final[Mapping[str, Mapping[str, int]]] = {
    "outbox": {"pending": 1, "setAside": 1},
    "replicationevents": {"region": 1},
}
_SELECTION_MILLISECONDS: Final = 5000
_LOOKS: Final = 3
_LETTERS_MAX: Final = 10


def read_state(cloud: ChaosCloud, before: frozenset[str]) -> State:
    """Everything the checker looks at."""
    regions = {}
    for region in cloud.regions:
        with cloud.database(region) as database:
            regions[region] = held(database)
    members = {region: read_members(cloud, region) for region in cloud.regions}
    letters = [letter for region in cloud.regions for letter in read_letters(cloud, region)]
    return State(regions, members, letters, before)


def held(database: Database[Any]) -> dict[str, list[dict[str, Any]]]:
    """What the checker looks at of one region, by collection."""
    return {name: [_plain(found) for found in database[name].find({}, _FIELDS.get(name))] for name in COLLECTIONS}


def known_requests(cloud: ChaosCloud) -> frozenset[str]:
    """requestIds of what there is now."""
    found: set[str] = set()
    for region in cloud.regions:
        with cloud.database(region) as database:
            found |= {str(row["requestId"]) for row in database["battles"].find({}, {"requestId": 1})}
            found |= {str(row["sourceId"]) for row in database["ledgerentries"].find({}, {"sourceId": 1})}
    return frozenset(found)


def read_members(cloud: ChaosCloud, region: str) -> dict[str, dict[str, str]]:
    """By member and collection a digest of the documents; nothing of a member that can't be read.

    Members that differ are read again: a secondary may be a moment behind.
    """
    name = str(cloud.local.region(region)["database"])
    found: dict[str, dict[str, str]] = {}
    for _ in range(_LOOKS):
        found = {member: _digests(port, name) for member, port in cloud.members(region).items()}
        if all(digests == next(iter(found.values())) for digests in found.values()):
            break
    return found


def _digests(port: int, database: str) -> dict[str, str]:
    with MongoClient[Mapping[str, Any]](
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=_SELECTION_MILLISECONDS
    ) as client:
        found = client.get_database(database, read_preference=ReadPreference.SECONDARY_PREFERRED)
        try:
            return {collection: _digest(found[collection].find().sort("_id", 1)) for collection in REPLICATED}
        except PyMongoError:
            return {}


def _digest(documents: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for document in documents:
        digest.update(encode(document))
    return digest.hexdigest()


def read_letters(cloud: ChaosCloud, region: str) -> list[Letter]:
    """Dead letters of all queues of a region. They stay where they are."""
    client = Cloud(region, cloud.localstack)
    stacks = client.client("cloudformation").describe_stacks(StackName=STAGES[STAGE].stack_name)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks["Stacks"][0]["Outputs"]}
    found: list[Letter] = []
    for name, url in outputs.items():
        if name.endswith("DeadLetterQueueUrl"):
            found += _letters(client.client("sqs"), region, name.removesuffix("Url"), url)
    return found


def _letters(sqs: Any, region: str, queue: str, url: str) -> list[Letter]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_LETTERS_MAX,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
        VisibilityTimeout=0,
    )
    return [_letter(message, region, queue) for message in answer.get("Messages", [])]


def _letter(message: Mapping[str, Any], region: str, queue: str) -> Letter:
    told = {name: str(value.get("StringValue")) for name, value in message.get("MessageAttributes", {}).items()}
    attempts = told.get("attempts") or message.get("Attributes", {}).get("ApproximateReceiveCount", "0")
    return Letter(region, queue, told.get("reason", ""), int(attempts), message.get("Body", ""))


def _plain(value: Any) -> Any:
    """Ids as text, all the way down."""
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return (
        [_plain(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value
    )


def waiting(cloud: ChaosCloud) -> dict[str, int]:
    """What is still under way, by what it is; empty when all is told and done. -1 = it can't be asked for."""
    found: dict[str, int] = {}
    events: dict[str, set[Any]] = {}
    applied: dict[str, set[Any]] = {}
    for region in cloud.regions:
        try:
            with cloud.database(region) as database:
                found[f"events to be sent in {region}"] = database["outbox"].count_documents(
                    {"pending.0": {"$exists": 1}}
                )
                found[f"queued battles in {region}"] = database["battlejobs"].count_documents({"status": "queued"})
                events[region] = {row["_id"] for row in database["outbox"].find({}, {"_id": 1})}
                applied[region] = {row["_id"] for row in database["replicationevents"].find({}, {"_id": 1})}
        except PyMongoError:
            found[f"the database of {region}"] = -1
    for source, told in events.items():
        for target, known in applied.items():
            if source != target:
                found[f"events from {source} to {target}"] = len(told - known)
    return {what: number for what, number in found.items() if number}
