"""`scripts/mutate`: what it reads from mutmut, what it leaves out, and what it demands."""

import pytest

from scripts.mutation.__main__ import EQUIVALENT, Score, Survivor, read_equivalent, survivor_of, table

SHOWN = """# shared.analysis.proof.xǁProofǁweigh__mutmut_12: survived
--- shared/analysis/proof.py
+++ shared/analysis/proof.py
@@ -3,7 +3,7 @@
     def weigh(self, tally):
-        if tally.canary > 0:
+        if tally.canary >= 0:
             pass
"""


def test_a_survivor_is_known_by_its_function_and_its_change() -> None:
    assert survivor_of(SHOWN) == Survivor(
        "shared.analysis.proof.Proof.weigh", "- if tally.canary > 0:\n+ if tally.canary >= 0:"
    )
    plain = SHOWN.replace("xǁProofǁweigh", "x_weigh")
    assert survivor_of(plain).where == "shared.analysis.proof.weigh"


def test_what_is_listed_has_a_reason() -> None:
    assert all(read_equivalent(EQUIVALENT.read_text()).values())
    with pytest.raises(ValueError, match=r"a\.b: says not why"):
        read_equivalent("- {where: a.b, change: '- x', why: ' '}")


def test_a_listed_change_is_found_again_by_its_text() -> None:
    text = """
- where: shared.analysis.proof.Proof.weigh
  change: |
    - if tally.canary > 0:
    + if tally.canary >= 0:
  why: Nothing is weighed for no request.
"""
    assert survivor_of(SHOWN) in read_equivalent(text)


def test_the_rate_counts_what_could_be_noticed() -> None:
    survivor = Survivor("shared.a.b", "- x\n+ y")
    assert Score(19, 5, (survivor,)).rate == pytest.approx(0.95)
    assert Score(0, 0, ()).rate == 1.0
    said = table({"rollout": Score(19, 5, (survivor,)), "events": Score(5, 0, ())}).splitlines()
    assert said[1].split() == ["shared/rollout", "25", "19", "5", "1", "95.0%"]
    assert said[-1].split() == ["all", "30", "24", "5", "1", "96.0%"]
