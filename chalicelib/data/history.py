"""A player's history on MongoDB, from the primary: a player finds there what was just answered."""

from chalicelib.arena.history_ports import HistoryQuery
from chalicelib.arena.ports import Document
from chalicelib.data import history_queries
from chalicelib.data.operations import Operations


class MongoHistory:
    """``history_ports.HistoryQueries`` on MongoDB."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def ledger_rows(self, query: HistoryQuery) -> list[Document]:
        return self._operations.execute(history_queries.ledger_rows(query))

    def battles(self, query: HistoryQuery) -> list[Document]:
        return self._operations.execute(history_queries.battles(query))
