"""What holds for every test."""

from hypothesis import Phase, settings

# On a machine that is busy with other work a slow example says nothing; what must be fast is measured in benchmarks/.
settings.register_profile("patient", deadline=None)
# For scripts/mutate: a few examples, the same for every change of the code, and no search for a smaller one that fails.
settings.register_profile(
    "mutation", max_examples=20, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("patient")
