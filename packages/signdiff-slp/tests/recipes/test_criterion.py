import numpy as np
import pytest
import torch

from signdiff_core.skeleton import LEFT_HAND, LIMBS
from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive.model import ResidualStatistics
from signdiff_slp.recipes.train.config import LossConfig
from signdiff_slp.recipes.train.criterion import Criterion, add_noise, decoder_frames, future_targets


def make_batch(source_lens=(4, 6), pose_lens=(5, 9), extra=0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    number = len(pose_lens)
    seqs = torch.zeros(number, max(source_lens) + extra, dtype=torch.int64)
    poses = torch.zeros(number, max(pose_lens) + extra, 150)
    for row in range(number):
        seqs[row, : source_lens[row]] = torch.randint(4, 31, (source_lens[row],), generator=generator)
        poses[row, : pose_lens[row]] = torch.randn(pose_lens[row], 150, generator=generator)
    return TextPoseBatch([str(row) for row in range(number)], seqs, list(source_lens), poses, list(pose_lens))


def loss_of(model, batch, **settings):
    return Criterion(model, model, LossConfig(**settings))(batch)


def predict(model, batch):
    _, inputs = decoder_frames(model, batch)
    return model(batch.source_seqs, batch.source_layout, inputs, batch.pose_layout).detach().numpy()


def test_the_default_is_the_mean_squared_error(make_model):
    model, batch = make_model(counter="value"), make_batch()
    predicted = predict(model, batch)
    frames, _ = decoder_frames(model, batch)
    total, number = 0.0, 0
    for row, length in enumerate(batch.pose_lens):
        for frame in range(length):
            difference = predicted[row, frame, 0] - frames[row, frame].numpy()
            total += np.mean(difference[:150] ** 2) + (predicted[row, frame, 0, 150] - (frame + 1) / length) ** 2
            number += 1
    loss = loss_of(model, batch)
    assert loss.num_targets == number == 14
    assert loss.total.item() == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("count_padding", [False, True])
@pytest.mark.parametrize("num_future_frames", [1, 4])
def test_one_loss_is_comparable_between_all_settings(make_model, count_padding, num_future_frames):
    model, batch = make_model(num_future_frames=num_future_frames), make_batch(extra=3)
    predicted = predict(model, batch)
    frames, _ = decoder_frames(model, batch)
    expected = sum(
        np.mean((predicted[row, frame, 0, :150] - frames[row, frame, :150].numpy()) ** 2)
        for row, length in enumerate(batch.pose_lens)
        for frame in range(length)
    )
    loss = loss_of(model, batch, count_padding=count_padding)
    assert loss.num_frames == 14
    assert loss.comparable.item() == pytest.approx(expected, rel=1e-4)
    assert (loss.num_targets == 14) == (not count_padding and num_future_frames == 1)


def test_the_rate_is_compared_with_the_length(make_model):
    model, batch = make_model(counter="rate"), make_batch()
    predicted = predict(model, batch)
    expected = sum(
        (predicted[row, frame, 0, 150] - np.log(100 / length)) ** 2
        for row, length in enumerate(batch.pose_lens)
        for frame in range(length)
    )
    assert loss_of(model, batch).counter.item() == pytest.approx(expected, rel=1e-4)


def test_weights_and_kinds(make_model):
    model, batch = make_model(), make_batch(pose_lens=(3, 3))
    frames, _ = decoder_frames(model, batch)
    difference = predict(model, batch)[:, :, 0, :150] - frames[..., :150].numpy()
    velocity = np.diff(difference, axis=1)
    settings = {"counter_weight": 0.0, "kind": "l1", "hand_weight": 3.0, "wrist_weight": 5.0, "velocity_weight": 0.5}
    weights = np.where(np.arange(150) < 3 * LEFT_HAND.start, 1.0, 3.0)
    weights[[12, 13, 14, 21, 22, 23]] = 5.0
    weights /= weights.mean()
    expected = (np.abs(difference) * weights).mean(-1).sum() + 0.5 * (np.abs(velocity) * weights).mean(-1).sum()
    assert loss_of(model, batch, **settings).total.item() == pytest.approx(expected, rel=1e-4)

    beta = 0.5
    size = np.abs(difference)
    smooth = np.where(size < beta, size**2 / (2 * beta), size - beta / 2)
    loss = loss_of(model, batch, counter_weight=0.0, kind="smooth_l1", beta=beta)
    assert loss.total.item() == pytest.approx(smooth.mean(-1).sum(), rel=1e-4)


def test_the_first_step_of_the_counter_counts_more(make_model):
    model, batch = make_model(), make_batch()
    first = predict(model, batch)[:, 0, 0, 150] - np.log(100 / np.array(batch.pose_lens))
    plain = loss_of(model, batch, counter_weight=2.0).total
    more = loss_of(model, batch, counter_weight=2.0, counter_start_weight=7.0).total
    assert (more - plain).item() == pytest.approx(14 * (first**2).sum(), rel=1e-3)


@pytest.mark.parametrize("settings", [{}, {"just_counter": False}, {"num_future_frames": 3}])
def test_padding_costs_nothing(make_model, settings):
    model = make_model(**settings)
    batch, padded = make_batch(), make_batch(extra=5)
    padded.poses[:, -5:] = 1e6
    for kind in ("mse", "smooth_l1"):
        ours = loss_of(model, batch, kind=kind, velocity_weight=1.0)
        theirs = loss_of(model, padded, kind=kind, velocity_weight=1.0)
        assert ours.num_targets == theirs.num_targets
        assert ours.total.item() == pytest.approx(theirs.total.item(), rel=1e-4)


def test_padding_gets_no_gradient(make_model):
    model, batch = make_model(), make_batch(extra=5)
    batch.poses[:, -5:] = torch.inf
    loss_of(model.train(), batch, bone_weight=1.0, velocity_weight=1.0).total.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_the_future_is_lined_up():
    frames = torch.arange(10.0).view(2, 5, 1).expand(2, 5, 151)
    valid = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    targets, mask = future_targets(frames, valid, 3)
    assert targets[0, :, :, 0].tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 0]]
    assert mask[1].sum(0).tolist() == [3, 2, 1]


def test_the_decoder_reads_one_step_behind(make_model):
    model, batch = make_model(), make_batch()
    frames, inputs = decoder_frames(model, batch)
    assert torch.equal(inputs[:, 1:], frames[:, :-1])
    rest = model.standardizer.inverse(inputs[0, 0, :150])
    torch.testing.assert_close(rest, model.standardizer.rest, atol=1e-5, rtol=0)
    assert inputs[0, 0, 150] == 0


def test_noise_has_its_size_and_only_in_training(make_model):
    frames = torch.zeros(40, 40, 151)
    torch.manual_seed(0)
    noisy = add_noise(frames, pose_noise=0.5, counter_noise=0.01)
    assert noisy[..., :-1].std().item() == pytest.approx(0.5, rel=0.02)
    assert noisy[..., -1].std().item() == pytest.approx(0.01, rel=0.1)
    assert add_noise(frames, pose_noise=0.0, counter_noise=0.0) is frames

    model, batch = make_model(just_counter=False), make_batch()
    still = [loss_of(model.eval(), batch, pose_noise=1.0).total.item() for _ in range(2)]
    moving = [loss_of(model.train(), batch, pose_noise=1.0).total.item() for _ in range(2)]
    assert still[0] == still[1]
    assert moving[0] != moving[1]


def test_settings_that_do_not_fit():
    assert LossConfig(kind="huber").validate().has_error()
    assert LossConfig(velocity_weight=-1.0).validate().has_error()
    assert not LossConfig().validate().has_error()


def test_padding_that_counts_divides_the_loss_alone(make_model):
    model, batch = make_model(), make_batch(pose_lens=(3, 6))
    plain, padded = loss_of(model, batch), loss_of(model, batch, count_padding=True)
    assert (plain.num_targets, padded.num_targets) == (9, 12)
    assert padded.total.item() == plain.total.item()


def test_long_video_loss_adds_the_norms_of_the_weights(make_model):
    model, batch = make_model(), make_batch()
    norms = sum(np.linalg.norm(value.numpy()) for name, value in model.state_dict().items() if "weight" in name)
    plain, made = loss_of(model, batch), loss_of(model, batch, lv_lambda=0.01, loss_scale=2.0)
    assert made.total.item() == pytest.approx(2 * plain.total.item() + 0.01 * norms * plain.num_targets, rel=1e-5)


def test_directions_of_bones(make_model):
    model, batch = make_model(), make_batch(pose_lens=(4, 4))
    frames, _ = decoder_frames(model, batch)
    made = model.standardizer.inverse(torch.tensor(predict(model, batch))[:, :, 0, :150]).reshape(-1, 50, 3).numpy()
    true = model.standardizer.inverse(frames[..., :150]).reshape(-1, 50, 3).numpy()
    total = 0.0
    for a, b in LIMBS:
        ours, theirs = (
            (joints[:, b] - joints[:, a]) / np.linalg.norm(joints[:, b] - joints[:, a], axis=-1, keepdims=True)
            for joints in (made, true)
        )
        total += ((ours - theirs) ** 2).sum() / len(LIMBS)
    added = loss_of(model, batch, bone_weight=1.0).total.item() - loss_of(model, batch).total.item()
    assert added == pytest.approx(total, rel=1e-4)


def test_noise_follows_the_models_own_errors(make_model):
    model, batch = make_model(residual_statistics=True, just_counter=False), make_batch(pose_lens=(5, 5))
    frames, _ = decoder_frames(model, batch)
    expected = ((torch.tensor(predict(model, batch))[:, :, 0, :150] - frames[..., :150]) ** 2).mean((0, 1)).sqrt()
    model.train()
    first = Criterion(model, model, LossConfig(residual_noise=5.0))
    first(batch)  # knows no errors yet, so there is no noise
    torch.testing.assert_close(model.residuals.spread, expected, rtol=1e-4, atol=1e-5)
    torch.manual_seed(0)
    one, other = first(batch).total.item(), first(batch).total.item()
    assert one != other
    model.eval()
    assert first(batch).total.item() == first(batch).total.item()
    with pytest.raises(ValueError, match="residual_statistics"):
        Criterion(make_model(), make_model(), LossConfig(residual_noise=1.0))


def test_statistics_of_residuals_run():
    statistics = ResidualStatistics(2)
    mask = torch.tensor([[True, True, False]])
    statistics.update(torch.tensor([[[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]]]), mask)
    assert statistics.mean_square.tolist() == [2.0, 0.0]
    statistics.update(torch.zeros(1, 3, 2), mask)
    assert statistics.mean_square.tolist() == pytest.approx([1.98, 0.0])


def test_the_published_form_predicts_one_counter(make_model):
    settings = {"variant": "published", "counter": "value", "num_future_frames": 3, "just_counter": False}
    model, batch = make_model(**settings), make_batch(pose_lens=(4,), source_lens=(4,))
    predicted = predict(model, batch)
    expected = ((predicted[0, :, 0, 150] - np.arange(1, 5) / 4) ** 2).sum()
    assert loss_of(model, batch).counter.item() == pytest.approx(expected, rel=1e-5)
