"""A second model of Lambda with provisioned concurrency, written from docs/scaling.md alone: slow, literal, small.

Every request and every environment is looked at one by one; nothing is shared with ``infra/simulation`` but the
figures of ``LambdaModel``.
"""

from dataclasses import dataclass, field

from infra.simulation.lambda_model import LambdaModel


@dataclass
class OnDemand:
    """An environment that was not provisioned."""

    busy_until: float


@dataclass
class Outcome:
    """What came of it."""

    spilled: int = 0
    cold: int = 0
    cost: float = 0.0
    peaks: dict[int, int] = field(default_factory=dict)
    """Most environments busy at once, by minute."""
    utilization: dict[int, float] = field(default_factory=dict)
    """Mean share of the ready provisioned environments in use as invocations saw it, by minute."""


def ready_at(moment: float, asked: list[int], low: int, model: LambdaModel) -> int:
    """Provisioned environments ready at ``moment``, from every change asked for until then (each 15 s)."""
    steps: list[list[float]] = [[-1.0, low]]
    current = low
    for tick, wish in enumerate(asked):
        now = tick * 15.0
        if now > moment:
            break
        if wish > current:
            steps.append(
                [now + model.prepare_seconds + (wish - current) / model.allocations_per_second, wish - current]
            )
        gone = current - wish
        # What is not ready goes first, the latest before the others; then what is.
        order = [step for step in reversed(steps) if step[0] > now] + [step for step in steps if step[0] <= now]
        for step in order:
            taken = min(step[1], max(0, gone))
            step[1] -= taken
            gone -= int(taken)
        current = wish
    return int(sum(size for at, size in steps if at <= moment))


def play(requests: list[tuple[float, float]], asked: list[int], low: int, model: LambdaModel) -> Outcome:
    """Serves ``requests`` (second, seconds of service; ascending) with ``asked`` environments in each 15 s."""
    outcome, prices, gb = Outcome(), model.prices, model.memory_gb
    provisioned_ends: list[float] = []
    others: list[OnDemand] = []
    seen: dict[int, list[float]] = {}
    for at, service in requests:
        minute = int(at // 60)
        ready = ready_at(at, asked, low, model)
        in_use = sum(end > at for end in provisioned_ends)
        if in_use < ready:
            provisioned_ends.append(at + service)
            in_use += 1
            outcome.cost += service * gb * prices.provisioned_duration_gb_second
        else:
            outcome.spilled += 1
            warm = [each for each in others if each.busy_until <= at <= each.busy_until + model.idle_life_seconds]
            if warm:
                chosen = max(warm, key=lambda each: each.busy_until)
            else:
                outcome.cold += 1
                service += model.cold_start_seconds
                chosen = OnDemand(at)
                others.append(chosen)
            chosen.busy_until = at + service
            outcome.cost += service * gb * prices.on_demand_duration_gb_second
        busy = in_use + sum(each.busy_until > at for each in others)
        outcome.peaks[minute] = max(outcome.peaks.get(minute, 0), busy)
        seen.setdefault(minute, []).append(in_use / ready)
        outcome.cost += prices.request
    outcome.cost += sum(asked) * 15.0 * gb * prices.provisioned_gb_second
    outcome.utilization = {minute: sum(shares) / len(shares) for minute, shares in seen.items()}
    return outcome
