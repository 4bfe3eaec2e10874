"""The local cloud: real servers on loopback, started, watched and stopped as one.

``state`` says where things lie, ``processes`` knows which process is which, ``supervisor`` starts and
stops them, and one module per server (``mongod``, ``valkey``, ``localstack_server``) says how it is run.
"""
