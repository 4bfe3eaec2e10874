"""The local stand-in for API Gateway's WebSocket APIs, which LocalStack lacks: one process for all regions.

``ws://127.0.0.1:<port>/<region>`` calls the region's WebSocket functions, on alias live, with API Gateway's own
events; ``http://127.0.0.1:<port>/<region>/@connections/<id>`` is the management API.
"""
