"""Laws are checked on a busy machine too: no deadline for one example, and the same examples every time."""

from hypothesis import settings

settings.register_profile("arithmoscope", deadline=None, derandomize=True, database=None)
settings.load_profile("arithmoscope")
