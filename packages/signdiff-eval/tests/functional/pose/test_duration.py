import numpy as np
import pytest

from signdiff_eval.functional import duration


def test_counts_frames(walk):
    reference = walk(20)
    assert duration(reference, reference) == 1
    assert duration(reference, np.repeat(reference, 2, axis=0)) == 2
    assert duration(reference, reference[:5]) == 0.25


@pytest.mark.parametrize(("name", "sequences"), [("reference", (np.zeros((0, 3)), [1])), ("hypothesis", ([1], []))])
def test_refuses_nothing(name, sequences):
    with pytest.raises(ValueError, match=f"{name} must have at least one frame"):
        duration(*sequences)
