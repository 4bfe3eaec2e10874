"""One battle, decided: from what was read to what is answered and written. Pure.

``decide`` is a function of a view, a command, the time and the secret; the service runs it inside a
transaction and the store commits what it returns, whole or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from chalicelib.arena import anomaly, emission, engine, rewards
from chalicelib.arena.battle_gate import Admission, BattleCommand, admit, earlier_battle, refuse_banned
from chalicelib.arena.battle_settlement import Fight, settle
from chalicelib.arena.home_fence import minding
from chalicelib.arena.homes import Homes
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import BattleView, Document, Membership, Outcome
from chalicelib.arena.standings import Standing

NO_CLAIM: Final[Mapping[str, Any]] = {
    "vaultAddress": "",
    "toAddress": "",
    "amount": "",
    "seqno": 0,
    "validUntil": 0,
    "signatureBase64": "",
    "payloadBocBase64": "",
}
"""A battle without an on-chain claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BattleResult:
    """What a battle came to, for the answer and for the metrics."""

    battle: Document
    replayed: bool
    """Fought earlier under the same requestId; nothing below is set then."""
    stars_granted: int = 0
    first_win_diamond: int = 0
    emissions: Mapping[str, emission.Result] = field(default_factory=dict)
    """By currency; absent where nothing was to be emitted."""
    entry_costs: Mapping[str, int] = field(default_factory=dict)
    """Paid, by currency."""
    broker_banned: bool = False
    user_banned: bool = False
    standings: Sequence[Standing] = ()
    """The player's on every board the battle counts on, as it leaves them."""

    def body(self) -> Document:
        """The answer's data: a replay is the stored battle alone."""
        if self.replayed:
            return self.battle
        return {**self.battle, "starsGranted": self.stars_granted, "firstWinDiamond": self.first_win_diamond}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a decision needs besides the view and the command."""

    now: datetime
    secret: str
    stripe: int
    """The emission stripe this environment prefers."""
    new_id: Callable[[], Any]
    load_membership: Callable[[], Membership | None]
    """Reads the player's guild, where the view came without."""
    load_stripes: Callable[[str], Sequence[Document]]
    """Reads all emission stripes of a day, where the preferred one does not suffice."""
    homes: Homes | None = None
    """None = there is one region only."""
    share: emission.Share = emission.WHOLE
    """Of the day's caps."""


def decide(view: BattleView, command: BattleCommand, around: Surroundings) -> Outcome[BattleResult]:
    """Refuses (an ``ArenaError``), replays, or fights the battle."""
    if around.homes is not None:
        around.homes.require(view.user)
    refuse_banned(view.user, around.now)
    earlier = earlier_battle(view, command)
    if earlier is not None:
        return Outcome(BattleResult(battle=earlier, replayed=True))
    admission = admit(view, command, now=around.now, load_membership=around.load_membership)
    fight, allocation = _fight(view, command, admission, around)
    settlement = settle(view, admission, fight, now=around.now, stripe=around.stripe, new_id=around.new_id)
    mode = admission.mode
    return Outcome(
        BattleResult(
            battle=fight.battle,
            replayed=False,
            stars_granted=fight.bonus.stars,
            first_win_diamond=fight.bonus.diamonds,
            emissions=allocation.results,
            entry_costs={"NEUR": mode.entry_neur_cost, "AIBA": mode.entry_aiba_cost},
            broker_banned=settlement.broker_banned,
            user_banned=settlement.user_banned,
            standings=settlement.standings,
        ),
        settlement.writes if around.homes is None else minding(settlement.writes, around.now, around.stripe),
    )


def _fight(
    view: BattleView, command: BattleCommand, admission: Admission, around: Surroundings
) -> tuple[Fight, emission.Allocation]:
    mode, now, config = admission.mode, around.now, view.config
    opponent = admission.rivalry.opponent if admission.rivalry else None
    seed = engine.battle_seed(
        around.secret,
        telegram_id=command.telegram_id,
        broker_id=command.broker_id,
        mode_key=mode.key,
        arena=mode.arena,
        league=mode.league,
        request_id=command.request_id,
        opponent_id="" if opponent is None else str(opponent["_id"]),
    )
    score = _score(admission, seed)
    day = utc_day(now)
    allocation = emission.allocate(
        emission.EmissionRequest(day, mode.arena, mode.league, _wanted(score, view, admission, now), now),
        view.stripe,
        around.stripe,
        config,
        lambda: around.load_stripes(day),
        share=around.share,
    )
    neur = allocation.granted["NEUR"]
    split = rewards.guild_split(neur if admission.guild else 0, config)
    suspicion = anomaly.assess(score, config)
    battle: Document = {
        "_id": around.new_id(),
        "requestId": command.request_id,
        "ownerTelegramId": command.telegram_id,
        "brokerId": admission.broker["_id"],
        "arena": mode.arena,
        "league": mode.league,
        "modeKey": mode.key,
        "seedHex": seed.hex,
        "score": score,
        "rewardAiba": allocation.granted["AIBA"],
        "rewardNeur": neur,
        "guildId": admission.guild["_id"] if admission.guild else None,
        "opponentGuildId": opponent["_id"] if opponent else None,
        "guildShareNeur": split.guild_share,
        "anomaly": suspicion.flag,
        "anomalyReason": suspicion.reason,
        "claim": dict(NO_CLAIM),
        "createdAt": now,
        "updatedAt": now,
        "__v": 0,
    }
    bonus = rewards.win_bonus(score, admission.user, config)
    return Fight(battle=battle, split=split, bonus=bonus, emission_writes=allocation.writes), allocation


def _score(admission: Admission, seed: engine.Seed) -> int:
    mode, rivalry = admission.mode, admission.rivalry
    score = engine.simulate_battle(admission.broker, seed.value, mode.arena, mode.league, mode.rules)
    if rivalry is None or rivalry.opponent is None:
        return score
    return engine.guild_adjusted_score(score, rivalry.own_pool, rivalry.opponent_pool)


def _wanted(score: int, view: BattleView, admission: Admission, now: datetime) -> Mapping[str, int]:
    """What the score is worth before emission has its say."""
    multiplier = rewards.innovation_multiplier(user=admission.user, referral=view.referral, config=view.config, now=now)
    worth = rewards.base_rewards(score, admission.mode.document, view.config)
    worth = rewards.boosted(rewards.apply_multiplier(worth, multiplier), view.boost)
    return {"NEUR": worth.neur, "AIBA": worth.aiba}
