"""MongoDB: pools, the one door for operations, indexes as data, transactions and queries."""
