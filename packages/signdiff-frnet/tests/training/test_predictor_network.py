import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from signdiff_frnet.training.network import StrokeProbability, StrokeUNet, hand_weights, stroke_loss  # noqa: E402  # noqa: E402

SIZES = [(1, 64, 64), (2, 128, 192), (1, 256, 256), (1, 320, 64), (1, 64, 64)]


def awake(widths=(16, 16, 24, 24, 24)):
    """A network whose residual blocks say something, which they don't before training."""
    torch.manual_seed(0)
    network = StrokeUNet(widths)
    for name, weights in network.named_parameters():
        if "second" in name or "head" in name:
            torch.nn.init.normal_(weights, std=0.1)
    return network.eval()


def test_opencv_gives_what_torch_gives_at_every_size():
    pytest.importorskip("onnx")
    from signdiff_frnet.training.save import to_onnx

    network = awake()
    read = cv2.dnn.readNetFromONNX(np.frombuffer(to_onnx(network), np.uint8))
    for size in SIZES:
        conditions = torch.rand(size[0], 4, *size[1:])
        with torch.no_grad():
            expected = StrokeProbability(network)(conditions).numpy()
        read.setInput(conditions.numpy())
        made = read.forward()
        assert made.shape == (size[0], 1, *size[1:])
        assert np.abs(made - expected).max() < 1e-5
        assert expected.std() > 0.02


def test_what_is_rounded_off_grows_with_the_logits_and_another_network_is_refused():
    pytest.importorskip("onnx")
    from signdiff_frnet.training.save import _compare, to_onnx

    network, other = awake(), awake()
    with torch.no_grad():
        for weights in network.head.parameters():
            weights *= 300
    content = to_onnx(network)
    with pytest.raises(RuntimeError, match="the export must equal the network to"):
        _compare(StrokeProbability(other), content)


def test_samples_do_not_see_each_other():
    network, conditions = awake(), torch.rand(3, 4, 64, 64)
    together = network.train()(conditions)
    alone = network(conditions[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-5)


def test_the_default_network_is_small_enough_to_bundle():
    assert 4 * sum(weights.numel() for weights in StrokeUNet().parameters()) < 7.9e6


def test_everything_is_seen_from_everywhere():
    conditions = torch.zeros(1, 4, 256, 256, requires_grad=True)
    awake()(conditions)[0, 0, 0, 0].backward()
    assert conditions.grad[0, :, 160:, 160:].abs().sum() > 0


def test_the_loss_by_hand():
    logits = torch.tensor([[[[0.0, 0.0, 0.0, 0.0]]]])
    strokes = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]])
    # Chances of a half: cross-entropy log 2; shared 1, so Dice is (2 + 1) / (2 + 2 + 1).
    assert stroke_loss(logits, strokes, dice_weight=2.0).item() == pytest.approx(np.log(2) + 2 * (1 - 3 / 5))


def test_the_loss_of_a_batch_is_the_mean_of_its_samples():
    logits, strokes = torch.randn(4, 1, 8, 8), (torch.rand(4, 1, 8, 8) > 0.8).float()
    halves = [stroke_loss(logits[part], strokes[part], dice_weight=0.5) for part in (slice(2), slice(2, 4))]
    assert torch.allclose(stroke_loss(logits, strokes, dice_weight=0.5), sum(halves) / 2)


def test_gradients_reach_all_weights():
    network = awake().train()
    network(torch.rand(1, 4, 64, 64)).mean().backward()
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in network.parameters())


def test_hands_count_more():
    drawings = torch.zeros(1, 3, 64, 64)
    drawings[0, :, 20, 30] = torch.tensor([0.0, 0.0, 1.0])
    drawings[0, :, 50, 50] = torch.tensor([0.0, 0.0, 0.6])  # the neck's limb is a darker blue
    weights = hand_weights(drawings, hand_weight=4.0)
    assert weights.sum() == 64 * 64 + 3 * 25
    assert (weights[0, 0, 18:23, 28:33] == 4).all()

    logits, strokes = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    logits[0, 0, 20, 30] = 8.0
    wrong = stroke_loss(logits, strokes, dice_weight=0.0, weights=weights)
    plain = [np.log(2), np.log1p(np.exp(8.0))]
    assert wrong.item() == pytest.approx((plain[0] * (64 * 64 + 3 * 25 - 4) + 4 * plain[1]) / (64 * 64 + 75), rel=1e-5)
