"""What is left out of backups is what regions write by themselves, and nothing else."""

from chalicelib.backup.scope import BACKUP_LOG, LEFT_OUT, LOADING, RESTORATIONS, is_kept
from chalicelib.data import cache_epochs, catch_ups, fences, patrol, scaling, shared_metrics
from chalicelib.replication import regions, rules


def test_nothing_that_players_own_is_left_out() -> None:
    assert not LEFT_OUT.keys() & {
        *rules.FACTS,
        *rules.DOCUMENTS,
        "outbox",
        "replicationevents",
        "conflicts",
        "economydays",
    }


def test_collections_are_left_out_by_the_names_they_have() -> None:
    modules = (cache_epochs, catch_ups, fences, patrol, regions, scaling, shared_metrics)
    known = {module.COLLECTION for module in modules} | {shared_metrics.HISTORY, "connections"}
    assert LEFT_OUT.keys() == known | {RESTORATIONS, BACKUP_LOG}


def test_half_a_restoration_is_no_part_of_a_backup() -> None:
    assert is_kept("users")
    assert not any(map(is_kept, (f"{LOADING}users", "system.views", "fences")))
