"""Hands that damage a sound run: each defect by the rule that must name it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from infra.chaos.checker.model import Case, Letter
from infra.chaos.history import Takeover
from tests.chaos_case import ANN, ANNS, ANNS_SECOND, BOB, BOBS, NOON, REGIONS

FIRST, SECOND, THIRD = REGIONS


@dataclass
class Hands:
    """Damage a run."""

    case: Case

    def held(self, region: str, collection: str) -> list[dict[str, Any]]:
        found: Any = self.case.state.regions[region][collection]
        assert isinstance(found, list)
        return found

    def everywhere(self, collection: str, where: Callable[[dict[str, Any]], bool], **change: Any) -> None:
        """Changes the first document like that in every region."""
        for region in REGIONS:
            found = next((one for one in self.held(region, collection) if where(one)), None)
            if found is not None:
                found.update(change)

    def drop(self, collection: str, where: Callable[[dict[str, Any]], bool], *regions: str) -> None:
        for region in regions or REGIONS:
            found = self.held(region, collection)
            found.remove(next(one for one in found if where(one)))

    def double(self, collection: str, where: Callable[[dict[str, Any]], bool], *regions: str) -> None:
        for region in regions or REGIONS:
            found = self.held(region, collection)
            found.append(deepcopy(next(one for one in found if where(one))))

    def letter(self, reason: str, attempts: int) -> None:
        letters = (*self.case.state.letters, Letter(SECOND, "ReplicationDeadLetterQueue", reason, attempts))
        self.case = replace(self.case, state=replace(self.case.state, letters=letters))

    def took_over(self, *takeovers: Takeover) -> None:
        self.case = replace(self.case, takeovers=takeovers)

    def first(self, kind: str, player: str = ANN) -> str:
        return next(one.id for one in self.case.operations if (one.kind, one.player) == (kind, player))


def of(name: str, value: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda document: bool(document.get(name) == value)


def lost_battle(hands: Hands) -> None:
    hands.drop("battles", of("requestId", hands.first("battle")), THIRD)


def doubled_battle(hands: Hands) -> None:
    hands.double("battles", of("requestId", hands.first("battle")), FIRST)


def changed_battle(hands: Hands) -> None:
    hands.everywhere("battles", of("requestId", hands.first("battle")), score=51)


def other_id(hands: Hands) -> None:
    operation = hands.case.asked[hands.first("battle")]
    operation.answer = {**operation.answer, "_id": "another"}


def unasked_battle(hands: Hands) -> None:
    hands.double("battles", of("requestId", hands.first("battle")))
    hands.everywhere("battles", of("requestId", hands.first("battle")), requestId="nobody's")


def unasked_row(hands: Hands) -> None:
    hands.double("ledgerentries", of("sourceId", hands.first("train")), SECOND)
    hands.held(SECOND, "ledgerentries")[-1]["sourceId"] = "nobody's"


def refused_yet_fought(hands: Hands) -> None:
    refused = next(one for one in hands.case.operations if one.outcome == "refused")
    hands.double("battles", of("requestId", hands.first("battle")))
    hands.everywhere("battles", of("requestId", hands.first("battle")), requestId=refused.id)


def lost_purchase(hands: Hands) -> None:
    hands.drop("ledgerentries", of("sourceId", hands.first("train")), THIRD)


def wrong_price(hands: Hands) -> None:
    hands.everywhere("ledgerentries", of("sourceId", hands.first("train")), amount=24)


def doubled_row(hands: Hands) -> None:
    hands.double("ledgerentries", of("sourceId", hands.first("train")), SECOND)


def wrong_balance(hands: Hands) -> None:
    hands.everywhere("users", of("telegramId", ANN), aibaBalance=7)


def negative_balance(hands: Hands) -> None:
    hands.everywhere("users", of("telegramId", ANN), neurBalance=-1)


def missing_player(hands: Hands) -> None:
    hands.drop("users", of("telegramId", BOB), THIRD)


def doubled_player(hands: Hands) -> None:
    hands.double("users", of("telegramId", ANN), FIRST)


def unpaid_battle(hands: Hands) -> None:
    hands.drop("ledgerentries", of("sourceId", hands.first("battle")))


def paid_for_nothing(hands: Hands) -> None:
    hands.drop("battles", of("requestId", hands.first("battle")))


def wrong_share(hands: Hands) -> None:
    hands.everywhere("battles", lambda one: one["guildId"] is not None, guildShareNeur=9)


def wrong_vault(hands: Hands) -> None:
    hands.everywhere("guilds", of("name", "guild"), vaultNeur=10)


def cap_overrun(hands: Hands) -> None:
    hands.case = replace(hands.case, arena_cap=99)


def wrong_counter(hands: Hands) -> None:
    hands.held(FIRST, "economydays")[0]["emittedAiba"] -= 1


def wrong_standings(hands: Hands) -> None:
    for region in REGIONS:
        next(filter(of("telegramId", ANN), hands.held(region, "users")))["totals"]["all"]["score"] += 1


def overspent_energy(hands: Hands) -> None:
    """Eleven battles and more, where there is energy for ten."""
    hands.everywhere("battles", of("requestId", hands.first("battle")), modeKey="chaos-slow")
    for number in range(8):
        hands.double("battles", of("requestId", hands.first("battle")))
        hands.everywhere("battles", of("requestId", hands.first("battle")), requestId=f"more {number}")
        operation = replace(hands.case.asked[hands.first("battle")], id=f"more {number}")
        hands.case = replace(hands.case, operations=[*hands.case.operations, operation])


def wrong_energy(hands: Hands) -> None:
    hands.everywhere("brokers", of("_id", ANNS), energy=7)


def untrained(hands: Hands) -> None:
    hands.everywhere("brokers", of("_id", ANNS), speed=50)


def trained_twice(hands: Hands) -> None:
    hands.everywhere("brokers", of("_id", ANNS), xp=40)


def lost_broker(hands: Hands) -> None:
    hands.drop("brokers", of("_id", BOBS), SECOND)


def revived_broker(hands: Hands) -> None:
    next(filter(of("_id", ANNS_SECOND), hands.held(THIRD, "brokers")))["deletedAt"] = None


def given_up_unasked(hands: Hands) -> None:
    hands.everywhere("brokers", of("_id", BOBS), deletedAt=NOON)


def broken_cooldown(hands: Hands) -> None:
    one, other = [one.id for one in hands.case.operations if one.kind == "battle" and one.player == ANN][:2]
    at = next(filter(of("requestId", one), hands.held(FIRST, "battles")))["createdAt"]
    hands.everywhere("battles", of("requestId", other), createdAt=at + timedelta(milliseconds=999))


def over_limit(hands: Hands) -> None:
    for number in range(120):
        hands.double("battles", of("requestId", hands.first("battle")))
        hands.everywhere("battles", of("requestId", hands.first("battle")), requestId=f"more {number}")
        operation = replace(hands.case.asked[hands.first("battle")], id=f"more {number}", asked_at=number / 10)
        hands.case = replace(hands.case, operations=[*hands.case.operations, operation])


def regions_differ(hands: Hands) -> None:
    next(filter(of("_id", ANNS), hands.held(SECOND, "brokers")))["banReason"] = "elsewhere"


def missing_in_region(hands: Hands) -> None:
    hands.drop("guilds", of("name", "guild"), THIRD)


def members_differ(hands: Hands) -> None:
    members: Any = hands.case.state.members[SECOND]
    members["m2"]["users"] = "y"


def missing_replica(hands: Hands) -> None:
    members: Any = hands.case.state.members[SECOND]
    members["m2"] = {}


def untold_event(hands: Hands) -> None:
    hands.held(FIRST, "outbox")[0]["pending"] = [SECOND]


def set_aside_event(hands: Hands) -> None:
    hands.held(FIRST, "outbox")[0]["setAside"] = [{"region": SECOND, "fault": "too big"}]


def lost_event(hands: Hands) -> None:
    hands.held(SECOND, "replicationevents").pop()


def stuck_job(hands: Hands) -> None:
    hands.held(SECOND, "battlejobs")[0]["status"] = "queued"


def lost_job(hands: Hands) -> None:
    hands.held(SECOND, "battlejobs").pop()


def not_a_member(hands: Hands) -> None:
    hands.everywhere("guilds", of("name", "guild"), members=[{"telegramId": ANN}])


def forged_letter(hands: Hands) -> None:
    hands.letter("bad_signature: not ours", 9)


def early_letter(hands: Hands) -> None:
    hands.letter("early", 4)


def answered_by_nobodys_region(hands: Hands) -> None:
    hands.case.asked[hands.first("battle")].served = THIRD


def answered_by_the_one_given_up(hands: Hands) -> None:
    """Bob's home, while another serves for it."""
    hands.took_over(Takeover(SECOND, FIRST, 0.0, 1.0))
    hands.case.asked[hands.first("repair", BOB)].served = SECOND


def decided_by_two(hands: Hands) -> None:
    conflict = {"collection": "brokers", "key": BOBS, "field": "energy"}
    regions: Any = hands.case.state.regions
    regions[SECOND]["conflicts"] = [conflict]


PLANTED: dict[Callable[[Hands], None], str] = {
    lost_battle: "lost-battle",
    doubled_battle: "doubled-battle",
    changed_battle: "changed-battle",
    other_id: "changed-battle",
    unasked_battle: "unasked-battle",
    unasked_row: "unasked-ledger-row",
    refused_yet_fought: "refused-yet-done",
    lost_purchase: "lost-purchase",
    wrong_price: "wrong-price",
    doubled_row: "doubled-ledger-row",
    wrong_balance: "wrong-balance",
    missing_player: "wrong-balance",
    negative_balance: "negative-balance",
    doubled_player: "doubled-player",
    unpaid_battle: "unpaid-battle",
    paid_for_nothing: "payment-without-battle",
    wrong_share: "wrong-guild-share",
    wrong_vault: "wrong-vault",
    cap_overrun: "cap-overrun",
    wrong_counter: "wrong-day-counter",
    wrong_standings: "wrong-standings",
    overspent_energy: "overspent-energy",
    wrong_energy: "wrong-broker",
    untrained: "wrong-broker",
    trained_twice: "wrong-broker",
    lost_broker: "lost-broker",
    revived_broker: "revived-broker",
    given_up_unasked: "lost-broker",
    broken_cooldown: "broken-cooldown",
    over_limit: "over-limit",
    answered_by_nobodys_region: "served-by-another",
    answered_by_the_one_given_up: "served-by-another",
    decided_by_two: "conflict",
    regions_differ: "regions-differ",
    missing_in_region: "regions-differ",
    members_differ: "members-differ",
    missing_replica: "missing-replica",
    untold_event: "untold-event",
    set_aside_event: "set-aside-event",
    lost_event: "lost-event",
    stuck_job: "unfinished-job",
    lost_job: "lost-job",
    not_a_member: "wrong-membership",
    forged_letter: "unexplained-dead-letter",
    early_letter: "unexplained-dead-letter",
}
