"""Property tests print what reproduces a failure; none is judged by the clock."""

from hypothesis import settings

settings.register_profile("arena", print_blob=True, deadline=None)
settings.load_profile("arena")
