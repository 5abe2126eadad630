"""How long it takes to judge claims: no times asserted, `make bench` shows them."""

import pytest

from drumlesson.course.verdicts import judge_claims, read_claims


@pytest.mark.benchmark(group="verdicts")
@pytest.mark.parametrize("study", ["attack", "families", "all"])
def test_claims(benchmark, timed, study):
    claims = [claim for claim in read_claims() if study in (claim.study, "all")]
    draws = 20_000 if timed else 100
    judged = benchmark.pedantic(judge_claims, (claims,), {"draws": draws}, rounds=3 if timed else 1)
    assert len(judged) == len(claims)
