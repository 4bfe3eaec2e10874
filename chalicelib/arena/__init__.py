"""The game: pure rules, the decisions made from them, and the ports its services need."""
