"""The arena's Chalice application: composition root, nothing else."""

from chalice.app import Chalice

from chalicelib.entrypoints import (
    backups,
    battles,
    brokers,
    catalogue,
    console,
    economy,
    failover,
    figures,
    guilds,
    history,
    homes,
    leaderboards,
    live,
    operating,
    operators,
    ops,
    queues,
    regions,
    replication,
    rotation,
    scaling,
    scheduled,
    verification,
    websocket,
)
from chalicelib.entrypoints.cors import add_preflight
from chalicelib.entrypoints.documentation import Documentation
from chalicelib.entrypoints.http import refuse_unrouted

# The logger of this name is Powertools'; with a handler of Chalice's too every line would appear twice.
app = Chalice(app_name="aiba-arena", configure_logs=False)
rooms = (
    *(battles, brokers, catalogue, console, economy, figures, guilds, history, homes, leaderboards, operators, ops),
    *(failover, operating),
    *(regions, replication, scaling, verification),
)
documentation = Documentation(room.routes for room in rooms)
for routes in (*(room.routes for room in rooms), documentation.routes):
    app.register_blueprint(routes.blueprint)
# Chalice calls its WebSocket handlers experimental: they may change with a version, and the version is pinned.
app.experimental_feature_flags.add("WEBSOCKETS")
for triggered in (backups, queues, live, replication, rotation, scheduled, scaling, verification, websocket):
    app.register_blueprint(triggered.blueprint)
add_preflight(app)
refuse_unrouted(app)
