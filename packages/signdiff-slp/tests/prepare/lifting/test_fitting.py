import numpy as np
import torch

from signdiff_slp.prepare.lifting.fitting import Fit, Settings
from signdiff_slp.prepare.lifting.measuring import LIMBS, log_bone_lengths


def make_fit(make_signer, smoothness=0.3):
    settings = Settings(steps=3, lr=0.02, smoothness=smoothness, length_weight=0.2)
    clips = [make_signer(T, seed=T) / 100 for T in (9, 5)]
    targets, weights = torch.zeros(2, 2, 9, 50), torch.zeros(2, 9, 50)
    for row, clip in enumerate(clips):
        targets[:, row, : len(clip)] = torch.from_numpy(clip[..., :2].transpose(2, 0, 1))
        weights[row, : len(clip)] = torch.from_numpy(np.random.default_rng(row).uniform(size=clip.shape[:2]))
    bones = torch.tensor(np.array([log_bone_lengths(clip[..., :2]) for clip in clips]), dtype=torch.float32)
    fit = Fit(targets, weights, torch.tensor([9, 5]), bones, settings)
    noise = torch.Generator().manual_seed(0)
    for values in (fit.turns, fit.neck, fit.log_lengths):
        values += 0.1 * torch.randn(values.shape, generator=noise)
    return fit, weights


def plain_loss(fit, weights, turns, neck, log_lengths):
    """The loss as it is described, a clip and a limb at a time."""
    total = 0.0
    for row, T in enumerate((9, 5)):
        joints = {1: torch.zeros(3, T)}
        for number, (near, far, bone) in enumerate(LIMBS):
            turn = turns[:, row, :T, number]
            joints[far] = joints[near] + log_lengths[row, bone].exp() * turn / turn.norm(dim=0)
        for joint, place in joints.items():
            missed = place[:2] + neck[:, row, :T, 0] - fit.targets[:, row, :T, joint]
            total = total + (missed.square().sum(dim=0) * weights[row, :T, joint]).sum() / (T * 50)
            bent = place.diff(n=2, dim=1)
            total = total + fit.settings.smoothness * bent.square().sum() / (T * 50)
        stretched = log_lengths[row].exp() - fit.measured[row]
        total = total + fit.settings.length_weight * stretched.square().sum()
    return total


def test_gradients_are_those_of_autograd(make_signer):
    fit, weights = make_fit(make_signer)
    parameters = [each.clone().requires_grad_() for each in (fit.turns, fit.neck, fit.log_lengths)]
    plain_loss(fit, weights, *parameters).backward()
    fit.differentiate()
    for ours, theirs in zip((fit.turns, fit.neck, fit.log_lengths), parameters, strict=True):
        assert theirs.grad.abs().max() > 1e-4
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_steps_make_the_loss_smaller(make_signer):
    fit, weights = make_fit(make_signer)

    def loss():
        return plain_loss(fit, weights, fit.turns, fit.neck, fit.log_lengths).item()

    before = loss()
    fit.run()
    assert loss() < before


def test_without_smoothness_frames_are_independent(make_signer):
    fit, _ = make_fit(make_signer, smoothness=0.0)
    fit.differentiate()
    before = fit.turns.grad[:, 0, 0].clone()
    fit.targets[:, 0, 1:] += 1
    fit.differentiate()
    assert torch.equal(fit.turns.grad[:, 0, 0], before)
