"""Writes api/engine/src/statistics/pooled_reference.json: pooled estimates of random strata, by statsmodels.

pip install statsmodels==0.14.5 numpy scipy; then: python tests/reference/pooled_estimates.py

The odds ratio, its interval and the Cochran-Mantel-Haenszel test are those of
statsmodels.stats.contingency_tables.StratifiedTable, and so is the pooled risk ratio. statsmodels has no interval for
the latter: it is computed here from Greenland and Robins, Biometrics 41 (1985), equation 13, with exact fractions.
Strata without any record are not given to statsmodels, which would divide by zero.
"""

import json
import math
import pathlib
import sys
from fractions import Fraction

import numpy as np
import statsmodels
from statsmodels.stats.contingency_tables import StratifiedTable

Z = 1.959963984540054
SEED = 20261128


def random_strata(random):
    strata = []
    for _ in range(random.integers(1, 7)):
        table = random.integers(0, random.choice([3, 12, 60]), size=4)
        shape = random.integers(0, 8)
        if shape == 0:
            table[[1, 3]] = 0  # everybody has the outcome
        elif shape == 1:
            table[[0, 2]] = 0  # nobody has it
        elif shape == 2:
            table[[0, 1]] = 0  # one group is empty
        elif shape == 3:
            table[[2, 3]] = 0
        elif shape == 4:
            table[random.integers(0, 4)] = 0  # one cell is zero
        elif shape == 5:
            table[:] = 0
        strata.append([int(cell) for cell in table])
    return strata


def finite(values):
    return [float(value) for value in values] if all(math.isfinite(value) for value in values) else None


def risk_ratio(strata):
    over = under = spread = Fraction(0)
    for a, b, c, d in strata:
        n = a + b + c + d
        over += Fraction(a * (c + d), n)
        under += Fraction(c * (a + b), n)
        spread += Fraction((a + b) * (c + d) * (a + c) - a * c * n, n * n)
    if over == 0 or under == 0:
        return None
    error = math.sqrt(spread / (over * under))
    value = float(over / under)
    return [value, value * math.exp(-Z * error), value * math.exp(Z * error)]


def case(strata):
    held = [stratum for stratum in strata if sum(stratum)]
    with np.errstate(all="ignore"):
        table = StratifiedTable([np.array(one, dtype=float).reshape(2, 2) for one in held])
        odds = finite([table.oddsratio_pooled, *table.oddsratio_pooled_confint()])
        if odds is not None and odds[0] == 0:
            odds = None
        risk = risk_ratio(held)
        if risk is not None:
            assert math.isclose(risk[0], table.riskratio_pooled, rel_tol=1e-9)
        # Strata of one record have no variance, which statsmodels divides by zero for.
        larger = [one for one in held if sum(one) > 1]
        test = None
        if larger:
            of_larger = StratifiedTable([np.array(one, dtype=float).reshape(2, 2) for one in larger])
            test = finite([of_larger.test_null_odds().statistic, of_larger.test_null_odds().pvalue])
    return {"strata": strata, "oddsRatio": odds, "riskRatio": risk, "test": test}


def main():
    random = np.random.default_rng(SEED)
    cases = []
    while len(cases) < 150:
        strata = random_strata(random)
        if any(sum(stratum) for stratum in strata):
            cases.append(case(strata))
    source = f"statsmodels {statsmodels.__version__}, StratifiedTable; seed {SEED}"
    lines = ",\n".join(json.dumps(one) for one in cases)
    target = pathlib.Path(__file__).parents[2] / "api/engine/src/statistics/pooled_reference.json"
    target.write_text(f'{{"source": {json.dumps(source)}, "cases": [\n{lines}\n]}}\n')
    print(f"{target}: {len(cases)} cases", file=sys.stderr)


if __name__ == "__main__":
    main()
