"""The arena's Chalice application: composition root, nothing else."""

from chalice.app import Chalice

from chalicelib.entrypoints import battles, brokers, catalogue, economy, ops, scheduled
from chalicelib.entrypoints.http import add_preflight, refuse_unrouted

# The logger of this name is Powertools'; with a handler of Chalice's too every line would appear twice.
app = Chalice(app_name="aiba-arena", configure_logs=False)
for room in (battles, brokers, catalogue, economy, ops):
    app.register_blueprint(room.routes.blueprint)
app.register_blueprint(scheduled.blueprint)
add_preflight(app)
refuse_unrouted(app)
