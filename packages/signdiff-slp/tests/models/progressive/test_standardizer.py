import torch

from signdiff_core.skeleton import RIGHT_HAND, RIGHT_WRIST
from signdiff_slp.models.progressive import PoseStandardizer
from signdiff_slp.models.progressive.poses import hands_to_wrists


def fitted():
    standardizer = PoseStandardizer()
    generator = torch.Generator().manual_seed(0)
    standardizer.mean.copy_(torch.randn(150, generator=generator))
    standardizer.spread.copy_(torch.rand(150, generator=generator) + 0.01)
    return standardizer


def test_the_inverse_undoes_it():
    poses = torch.randn(2, 5, 150)
    torch.testing.assert_close(fitted().inverse(fitted()(poses)), poses, atol=1e-5, rtol=0)


def test_moving_arm_and_hand_together_changes_the_wrist_only():
    joints = torch.randn(50, 3)
    moved = joints.clone()
    moved[RIGHT_WRIST] += 1.0
    moved[RIGHT_HAND] += 1.0
    change = (hands_to_wrists(moved.flatten()) - hands_to_wrists(joints.flatten())).view(50, 3)
    expected = torch.zeros(50, 3)
    expected[RIGHT_WRIST] = 1.0
    torch.testing.assert_close(change, expected, atol=1e-5, rtol=0)


def test_a_finger_is_measured_from_its_wrist():
    joints = torch.randn(50, 3)
    values = hands_to_wrists(joints.flatten()).view(50, 3)
    torch.testing.assert_close(values[RIGHT_HAND.start + 8], joints[RIGHT_HAND.start + 8] - joints[RIGHT_HAND.start])
    torch.testing.assert_close(values[RIGHT_HAND.start], joints[RIGHT_HAND.start] - joints[RIGHT_WRIST])


def test_statistics_travel_with_the_weights():
    assert set(PoseStandardizer().state_dict()) == {"mean", "spread", "rest", "bone_lengths"}
