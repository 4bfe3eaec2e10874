"""Three regions that converge: what is told to the others, how it is signed, and how it is merged.

Pure files decide (``versions``, ``rules``, ``capture``, ``envelope``, ``signing``, ``merge``, ``applying``); services
drive them through ports; what touches MongoDB and SQS lives in ``data`` and ``messaging``.
"""
