"""What holds for every test."""

from hypothesis import settings

# On a machine that is busy with other work a slow example says nothing; what must be fast is measured in benchmarks/.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
