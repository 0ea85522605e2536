import numpy as np
import torch

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, LIMBS, NECK, RIGHT_HAND, RIGHT_WRIST, limb_lengths
from signdiff_slp.models.progressive import PoseStandardizer, bone_lengths, with_bone_lengths
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


def test_lengths_are_those_of_the_skeleton():
    joints = torch.randn(3, 50, 3)
    np.testing.assert_allclose(bone_lengths(joints).numpy(), limb_lengths(joints.numpy()), rtol=1e-5)


def test_every_limb_gets_its_length_and_keeps_its_direction():
    joints = torch.randn(4, 50, 3)
    lengths = torch.rand(len(LIMBS)) + 0.1
    moved = with_bone_lengths(joints, lengths)
    np.testing.assert_allclose(limb_lengths(moved.numpy()), lengths.expand(4, -1).numpy(), rtol=1e-4)
    ends = torch.tensor(LIMBS)
    before, after = (x[:, ends[:, 1]] - x[:, ends[:, 0]] for x in (joints, moved))
    cosine = torch.nn.functional.cosine_similarity(before, after, dim=-1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


def test_hands_sit_on_their_wrists_and_the_neck_stays():
    joints = torch.randn(4, 50, 3)
    moved = with_bone_lengths(joints, torch.ones(len(LIMBS)))
    assert torch.equal(moved[:, LEFT_HAND.start], moved[:, LEFT_WRIST])
    assert torch.equal(moved[:, RIGHT_HAND.start], moved[:, RIGHT_WRIST])
    assert torch.equal(moved[:, NECK], joints[:, NECK])


def test_a_skeleton_with_the_right_lengths_stays():
    joints = torch.randn(1, 50, 3)
    joints[:, LEFT_HAND.start], joints[:, RIGHT_HAND.start] = joints[:, LEFT_WRIST], joints[:, RIGHT_WRIST]
    torch.testing.assert_close(with_bone_lengths(joints, bone_lengths(joints)[0]), joints, atol=1e-5, rtol=0)
