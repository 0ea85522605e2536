from fractions import Fraction

import pytest

from signdiff_core.rates import same_rate


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("30000/1001", "2997/100", True),
        ("24000/1001", "23976/1000", True),
        ("24000/1001", "2398/100", True),
        ("25", "25", True),
        ("30000/1001", "30", False),
        ("24000/1001", "24", False),
        ("25", "25.03", False),
        ("25", "24", False),
        ("50", "25", False),
        ("30", "29", False),
    ],
)
def test_rates(left, right, same):
    rates = float(Fraction(left)), float(Fraction(right))
    assert same_rate(*rates) == same_rate(*reversed(rates)) == same
