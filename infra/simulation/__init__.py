"""A model of Lambda with provisioned concurrency, and what drives scaling policies through recorded traffic.

Nothing here is needed by the functions: the policies themselves live in ``chalicelib/scaling``.
"""
