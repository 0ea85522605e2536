"""ONNX files before OpenCV sees them: whole ones compute the same, others are refused, and none ends the process."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signdiff_frnet import FRNetPredictor
from signdiff_frnet.onnx_files import fields, put, put_int, read_graph, write_graph
from signdiff_frnet.onnx_shapes import check_shapes
from signdiff_frnet.predictor import read_network
from signdiff_frnet.predictor_files import BUNDLED, MODEL_NAME

onnx = pytest.importorskip("onnx")
helper, from_array = onnx.helper, onnx.numpy_helper.from_array


def tensor(name, *shape):
    return from_array(np.random.default_rng(len(name)).normal(size=shape).astype(np.float32), name)


def network(**changes):
    """Halve the sides, go back to them, add what was there, and take the logistic function."""
    scales = from_array(np.array([1, 1, 2, 2], np.float32))
    resize = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    square = {"dilations": [1, 1], "group": 1}
    nodes = {
        "first": helper.make_node("Conv", ["x", "a", "b"], ["y"], kernel_shape=[3, 3], pads=[1] * 4, **square),
        "relu": helper.make_node("Relu", ["y"], ["r"]),
        "down": helper.make_node("Conv", ["r", "c", "d"], ["s"], kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4),
        "scales": helper.make_node("Constant", [], ["k"], value=scales),
        "up": helper.make_node("Resize", ["s", "", "k"], ["u"], **resize),
        "add": helper.make_node("Add", ["u", "y"], ["v"]),
        "half": helper.make_node("Conv", ["v", "c", "d"], ["w"], kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4),
        "head": helper.make_node("ConvTranspose", ["w", "e", "f"], ["g"], strides=[2, 2], pads=[1] * 4, **square),
        "sigmoid": helper.make_node("Sigmoid", ["g"], ["z"]),
    }
    tensors = [tensor("a", 5, 4, 3, 3), tensor("b", 5), tensor("c", 5, 5, 4, 4), tensor("d", 5)]
    tensors += [tensor("e", 5, 1, 4, 4), tensor("f", 1)]
    given_tensors = changes.pop("tensors", {})
    tensors = [given_tensors.get(one.name, one) for one in tensors]
    nodes |= changes
    side = [1, 4, 64, 64]
    graph = helper.make_graph(
        [node for node in nodes.values() if node is not None],
        "any",
        [helper.make_tensor_value_info("x", 1, side)],
        [helper.make_tensor_value_info("z", 1, [1, 1, 64, 64])],
        [one for one in tensors if one is not None],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def outcome(net, size=(128, 64)):
    net.setInput(np.random.default_rng(0).random((1, 4, *size), dtype=np.float32))
    return net.forward()


@pytest.mark.parametrize("content", [network().SerializeToString(), (BUNDLED / MODEL_NAME).read_bytes()])
def test_what_is_written_anew_computes_the_same_to_the_bit(content):
    direct = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    direct.enableWinograd(False)
    assert np.array_equal(outcome(read_network(content)), outcome(direct))
    graph = read_graph(content)
    check_shapes(graph)
    onnx.checker.check_model(onnx.load_from_string(write_graph(graph)), full_check=True)


def test_tensors_that_are_equal_are_written_once_by_torch():
    """It gives the others as copies, by nodes of the kind Identity; an untrained network has many."""
    torch = pytest.importorskip("torch")
    from signdiff_frnet.training.network import StrokeUNet
    from signdiff_frnet.training.save import to_onnx

    torch.manual_seed(0)
    content = to_onnx(StrokeUNet((4, 4, 4, 4, 4)).eval())
    assert "Identity" in {node.op_type for node in onnx.load_from_string(content).graph.node}
    direct = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    direct.enableWinograd(False)
    assert np.array_equal(outcome(read_network(content)), outcome(direct))


def conv(*inputs, **settings):
    return helper.make_node("Conv", ["x", "a", "b"] if not inputs else list(inputs), ["y"], **settings)


SAME = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}

WRONG = [
    ({"first": None}, r"'Relu', takes what is not there: 'y'"),
    ({"relu": helper.make_node("Softmax", ["y"], ["r"])}, r"'Softmax', is none of Add, Constant, Conv"),
    ({"relu": helper.make_node("Relu", ["y"], ["y"])}, "gives 'y', which is given twice"),
    ({"relu": helper.make_node("Relu", ["y"], ["a"])}, "gives 'a', which is given twice"),
    ({"relu": helper.make_node("Relu", ["y"], ["r"], alpha=1.0)}, "has the setting 'alpha'"),
    ({"relu": helper.make_node("Relu", ["y", "x"], ["r"])}, "takes 2 values, and not one"),
    ({"relu": helper.make_node("Relu", ["y"], ["r", "q"])}, "has 2 outputs"),
    ({"relu": helper.make_node("Relu", ["y"], ["r"], domain="own")}, "of the domain 'own'"),
    ({"add": helper.make_node("Add", ["s", "y"], ["v"])}, "takes 2 values, and not two of the same shape"),
    ({"first": conv(**SAME, group=2)}, "has groups, dilations or strides"),
    ({"first": conv(**SAME, dilations=[2, 2])}, "has groups, dilations or strides"),
    ({"first": conv(**SAME, strides=[0, 0])}, "has groups, dilations or strides"),
    ({"first": conv(**SAME, strides=[1, 2])}, r"has \[1, 2\] as strides"),
    ({"first": conv(kernel_shape=[3, 3], pads=[0] * 4)}, "a kernel of 3, strides of 1 and pads of 0"),
    ({"first": conv(kernel_shape=[3, 3], pads=[1 << 62] * 4)}, "which do not fit"),
    ({"first": conv(kernel_shape=[5, 5], pads=[1] * 4)}, "and another kernel_shape"),
    ({"first": conv(**SAME, auto_pad="SAME_UPPER")}, "has the setting 'auto_pad'"),
    ({"first": conv("x", "a", **SAME)}, "takes what is not there"),
    ({"first": conv("x", "x", "b", **SAME)}, "takes what is not there: 'x'"),
    ({"tensors": {"a": None}}, "takes what is not there: 'a'"),
    ({"tensors": {"a": tensor("a", 5, 3, 3, 3)}}, "takes 4 channels, with weights for 3"),
    ({"tensors": {"b": tensor("b", 4)}}, r"and a bias for \(4,\)"),
    ({"tensors": {"b": tensor("b", 5, 1)}}, "no weights of four axes and a bias of one"),
    (
        {"tensors": {"a": from_array(np.zeros((5, 4, 3, 3), np.float64), "a")}},
        "the tensor 'a' must be of float32, 1, w",
    ),
    ({"up": helper.make_node("Resize", ["s", "", "k"], ["u"], mode="cubic")}, "as coordinate_transformation_mode"),
    ({"scales": helper.make_node("Constant", [], ["k"], value=tensor("k", 4))}, "has scales other than 1, 1, 2, 2"),
    ({"sigmoid": helper.make_node("Sigmoid", ["w"], ["z"])}, "not its last node's, of one channel"),
    ({"sigmoid": None}, "its output is not its last node's"),
]


@pytest.mark.parametrize(("changes", "told"), WRONG)
def test_what_does_not_fit_is_refused_by_name(changes, told):
    with pytest.raises(ValueError, match=told):
        read_network(network(**dict(changes)).SerializeToString())


def shorter(model):
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def negative(model):
    model.graph.initializer[0].dims[0] = -5


def huge(model):
    model.graph.initializer[0].dims[0] = 1 << 40


def twice(model):
    model.graph.initializer.append(model.graph.initializer[0])


def two_inputs(model):
    model.graph.input.append(helper.make_tensor_value_info("q", 1, [1]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (shorter, "with 720 bytes, but is of 1, with 716"),
        (negative, "has the shape"),
        (huge, r"has the shape \[1099511627776, 4, 3, 3\]"),
        (twice, "the tensor 'a' is given twice"),
        (two_inputs, "it has 2 inputs"),
    ],
)
def test_tensors_and_inputs_that_lie_are_refused(change, told):
    model = network()
    change(model)
    with pytest.raises(ValueError, match=told):
        read_network(model.SerializeToString())


@pytest.mark.parametrize(
    "content", [b"", b"\x3a\x00", b"\x3a\x7f", b"\xff" * 20, b"\x08" + b"\xff" * 11, b"PK\x03\x04"]
)
def test_what_is_no_onnx_file_is_refused(content):
    settings = FRNetPredictor.from_pretrained().settings
    with pytest.raises(ValueError, match="model must be an ONNX network of a predictor, but "):
        FRNetPredictor(settings, content)


def test_messages_are_bounded():
    with pytest.raises(ValueError, match="more than 64 fields"):
        list(fields(memoryview(put_int(1, 1) * 65)))
    model = put_int(1, 7) + put(7, put(1, put(1, "x")) * 5000)
    with pytest.raises(ValueError, match=r"more than 4096 nodes|has 0 outputs"):
        read_graph(model)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"\x80" * 12)
def test_any_bytes_give_the_one_error(content):
    with pytest.raises(ValueError):  # noqa: PT011  # whatever is wrong with them
        read_network(put(7, content))


CHILD = """
import random, resource, sys
import cv2, numpy as np
from signdiff_frnet.predictor import read_network

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
content, run, refused = sys.stdin.buffer.read(), 0, 0
for seed in range(int(sys.argv[1])):
    chance, damaged = random.Random(seed), bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(len(damaged))
        damaged[place : place + chance.choice((0, 1, 1, 1, 3))] = bytes(chance.choice(((), (0,), (255,), (3, 4))))
    try:
        net = read_network(bytes(damaged))
    except ValueError:
        refused += 1
        continue
    net.setInput(np.zeros((1, 4, 64, 64), np.float32))
    assert net.forward().shape == (1, 1, 64, 64)
    run += 1
print(run, refused)
"""


def test_damaged_files_never_end_the_interpreter():
    """Read as they are, some of these end the process in OpenCV, by a signal."""
    command = [sys.executable, "-c", CHILD, "600"]
    child = subprocess.run(command, input=network().SerializeToString(), capture_output=True, timeout=300)
    assert child.returncode == 0, child.stderr.decode()[-500:]
    ran, refused = map(int, child.stdout.split())
    assert ran + refused == 600
    assert min(ran, refused) > 40


def test_a_damaged_folder_is_told_with_its_name(tmp_path):
    """The size and the digest agree, so that only what is in the file can tell."""
    content = bytearray((BUNDLED / MODEL_NAME).read_bytes())
    place = content.index(b"kernel_shape")
    content[place + 16] = 9
    config = json.loads((BUNDLED / "config.json").read_text())
    config["files"][MODEL_NAME] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / MODEL_NAME).write_bytes(content)
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf"in {Path(tmp_path)}, model\.onnx is wrong: model must be an ONNX network"):
        FRNetPredictor.from_pretrained(tmp_path)
