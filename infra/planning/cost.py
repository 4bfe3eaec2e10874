"""What a plan costs a month, by item. Left out: tax, discounts, support, traffic between regions, a NAT gateway."""

from dataclasses import dataclass

from infra.planning.assumptions import Assumptions
from infra.planning.capacity import DAY_SECONDS, GIGA, MILLI, Plan
from infra.planning.figures import Figure, number
from infra.planning.prices import HOURS_A_MONTH, MILLION, PRICES, gateway_usd

DAYS = 30.4
MEGABYTES = 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bill."""

    name: str
    usd: float
    formula: str
    source: str

    @property
    def figure(self) -> Figure:
        return Figure(f"cost: {self.name}", round(self.usd, 2), "USD a month", self.formula, self.source)


def monthly(planned: Plan, given: Assumptions) -> tuple[Item, ...]:
    """The bill of all regions together."""
    return (*_functions(planned, given), *_servers(planned, given), *_traffic(planned, given))


def of_a_million_battles(planned: Plan, usd: float) -> float:
    """The part of a month's ``usd`` that a million battles come to."""
    return usd / (planned.load.battles_day * DAYS) * MILLION


def _functions(planned: Plan, given: Assumptions) -> tuple[Item, ...]:
    load, capacity = planned.load, planned.capacity
    memory = capacity.tier.memory_mb / MEGABYTES
    everywhere = 1 / given.largest_region_share
    seconds = capacity.mean_environments * everywhere * DAY_SECONDS * DAYS
    provisioned, run = PRICES["provisioned_gb_second"], PRICES["provisioned_run_gb_second"]
    requests = load.requests_day * DAYS
    queued = load.battles_day * given.queued_share * DAYS
    busy = requests * given.service_ms / MILLI
    on_demand, call = PRICES["on_demand_gb_second"], PRICES["lambda_request"]
    run_each = f"{given.service_ms / MILLI:g} s x {number(memory)} GB"
    return (
        Item(
            "provisioned concurrency",
            seconds * memory * provisioned.usd,
            f"{number(capacity.mean_environments * everywhere)} environments on average x {number(memory)} GB x "
            f"{number(DAY_SECONDS * DAYS)} s x {provisioned.usd}",
            provisioned.source,
        ),
        Item(
            "requests on provisioned concurrency",
            busy * memory * run.usd + requests * call.usd,
            f"{number(requests)} requests x ({run_each} x {run.usd} + {call.usd:g})",
            run.source,
        ),
        Item(
            "workers and pushers",
            2 * queued * (given.service_ms / MILLI * memory * on_demand.usd + call.usd),
            f"2 x {number(queued)} messages x ({run_each} x {on_demand.usd} + {call.usd:g})",
            on_demand.source,
        ),
    )


def _servers(planned: Plan, given: Assumptions) -> tuple[Item, ...]:
    capacity = planned.capacity
    atlas, cache = capacity.atlas, capacity.cache
    clusters = capacity.shards * given.regions
    return (
        Item(
            "MongoDB Atlas",
            clusters * atlas.usd_hour * HOURS_A_MONTH,
            f"{number(clusters)} x {atlas.name} x {atlas.usd_hour} an hour x {HOURS_A_MONTH} h",
            "mongodb.com/pricing; every region sized as the largest",
        ),
        Item(
            "ElastiCache",
            cache.nodes * given.regions * cache.node.usd_hour * HOURS_A_MONTH,
            f"{number(cache.nodes * given.regions)} x {cache.node_type} x {cache.node.usd_hour} an hour x "
            f"{HOURS_A_MONTH} h",
            "aws.amazon.com/elasticache/pricing",
        ),
    )


def _traffic(planned: Plan, given: Assumptions) -> tuple[Item, ...]:
    load = planned.load
    requests = load.requests_day * DAYS
    battles = load.battles_day * DAYS
    messages = battles * given.queued_share * 2 * 3 + battles * (given.regions - 1) / 10 * 3
    minutes = load.actives * given.connected_minutes_per_active_day * DAYS
    pushes = battles * given.queued_share
    logs, sent = requests * given.log_bytes / GIGA, requests * given.answer_bytes / GIGA
    sqs, message, minute = PRICES["sqs_request"], PRICES["websocket_message"], PRICES["websocket_minute"]
    log_price, sent_price = PRICES["log_gb"], PRICES["transfer_gb"]
    return (
        Item(
            "API Gateway",
            gateway_usd(requests),
            f"{number(requests)} calls, stepped",
            "aws.amazon.com/api-gateway/pricing",
        ),
        Item(
            "SQS",
            messages * sqs.usd,
            f"{number(messages)} requests (three for each message; replication in batches of ten) x {sqs.usd:g}",
            sqs.source,
        ),
        Item(
            "WebSocket",
            pushes * message.usd + minutes * minute.usd,
            f"{number(pushes)} messages x {message.usd:g} + {number(minutes)} connection minutes x {minute.usd:g}",
            message.source,
        ),
        Item("logs", logs * log_price.usd, f"{number(logs)} GB x {log_price.usd}", log_price.source),
        Item("traffic to players", sent * sent_price.usd, f"{number(sent)} GB x {sent_price.usd}", sent_price.source),
    )
