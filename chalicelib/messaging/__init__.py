"""Adapters that send: SQS queues, and the WebSocket API's connections."""
