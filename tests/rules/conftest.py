"""Property tests of pure code: how long one example takes says nothing on a busy machine."""

from hypothesis import settings

settings.register_profile("lumen", deadline=None)
settings.load_profile("lumen")
