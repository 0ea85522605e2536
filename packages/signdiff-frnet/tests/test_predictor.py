import hashlib
import json
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from signdiff_frnet import FRNetPredictor, InvalidImageError
from signdiff_frnet.predictor_files import BUNDLED, CONFIG_NAME, MODEL_NAME

WEIGHTS, BIAS = (2.0, -1.0, 0.5, -3.0), 0.25


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def whole(field, number):
    return varint(field << 3) + varint(number)


def part(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name, shape, values):
    dims = b"".join(whole(1, side) for side in shape)
    return dims + whole(2, 1) + part(8, name) + part(9, struct.pack(f"<{len(values)}f", *values))


def value(name, shape):
    dims = b"".join(part(1, whole(1, side)) for side in shape)
    return part(1, name) + part(2, part(1, whole(1, 1) + part(2, dims)))


def node(op, inputs, output, attributes=b""):
    return b"".join(part(1, name) for name in inputs) + part(2, output) + part(3, op) + part(4, op) + attributes


def make_onnx():
    """Write the logistic function of a weighted sum of the four channels, byte by byte as onnx.proto has it."""
    kernel = part(5, part(1, "kernel_shape") + whole(8, 1) + whole(8, 1) + whole(20, 7))
    graph = (
        part(1, node("Conv", ["x", "w", "b"], "y", kernel))
        + part(1, node("Sigmoid", ["y"], "z"))
        + part(2, "sum")
        + part(5, tensor("w", (1, 4, 1, 1), WEIGHTS))
        + part(5, tensor("b", (1,), (BIAS,)))
        + part(11, value("x", (1, 4, 64, 64)))
        + part(12, value("z", (1, 1, 64, 64)))
    )
    return whole(1, 7) + part(7, graph) + part(8, part(1, "") + whole(2, 13))


def expected(drawings, references):
    channels = np.concatenate([drawings, references[..., None]], axis=-1) / 255.0
    return 1 / (1 + np.exp(-(channels @ np.array(WEIGHTS) + BIAS)))


def write_predictor(folder, **changes):
    content = make_onnx()
    config = {
        "format": "signdiff-frnet-predictor",
        "format_version": 1,
        "resolution": 128,
        "threshold": 0.5,
        "frnet": {
            "threshold_method": "gaussian",
            "block_size": 11,
            "offset": 10.0,
            "kernel_size": 5,
            "detect_resolution": 512,
        },
        "files": {MODEL_NAME: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}},
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / MODEL_NAME).write_bytes(content)
    (folder / CONFIG_NAME).write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_predictor(tmp_path_factory.mktemp("predictor"))


@pytest.fixture(scope="module")
def predictor(folder):
    return FRNetPredictor.from_pretrained(folder)


def some(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def test_weights_in_another_file_are_refused_before_opencv_sees_them(folder, tmp_path):
    """OpenCV divides by the number of values that are not there, which ends the process."""
    (tmp_path / "outside.bin").write_bytes(struct.pack("<4f", *WEIGHTS))
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(make_onnx())
    weights = model.graph.initializer[0]
    weights.raw_data = struct.pack("<4f", *WEIGHTS)
    weights.ClearField("float_data")
    onnx.external_data_helper.set_external_data(weights, location=str(tmp_path / "outside.bin"))
    weights.ClearField("raw_data")
    settings = FRNetPredictor.from_pretrained(folder).settings
    with pytest.raises(ValueError, match="the tensor 'w' names another file for its values"):
        FRNetPredictor(settings, model.SerializeToString())


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 128, 192), (2, 320, 64), (0, 64, 64)])
def test_probabilities_by_hand(predictor, shape):
    drawings, references = some((*shape, 3)), some(shape, 1)
    made = predictor.predict(drawings, references)
    assert made.dtype == np.float32
    assert made.shape == shape
    assert np.allclose(made, expected(drawings, references), atol=1e-5)


def test_one_reference_for_all_and_none(predictor):
    drawings, reference = some((3, 64, 64, 3)), some((64, 64), 1)
    together = predictor.predict(drawings, reference)
    assert np.array_equal(together, predictor.predict(drawings, np.stack([reference] * 3)))
    assert np.array_equal(predictor.predict(drawings), predictor.predict(drawings, np.zeros((3, 64, 64), np.uint8)))
    assert np.abs(together - predictor.predict(drawings)).max() > 0.1


def test_views_of_any_strides(predictor):
    drawings = some((2, 64, 64, 3))
    views = (drawings[::-1], drawings[..., ::-1], drawings.transpose(0, 2, 1, 3), np.asfortranarray(drawings))
    for view in views:
        assert np.array_equal(predictor.predict(view), predictor.predict(np.ascontiguousarray(view)))


def test_a_map_is_black_where_a_stroke_is_likely(predictor):
    drawing, reference = some((128, 128, 3)), np.where(some((128, 128), 1) < 128, 0, 255).astype(np.uint8)
    made = predictor(drawing, reference, image_resolution=128)
    assert np.array_equal(made[..., 0] == 0, expected(drawing, reference) >= 0.5)
    assert np.array_equal(made[..., 0], made[..., 1])
    assert set(np.unique(made)) == {0, 255}
    strict = predictor(drawing, reference, image_resolution=128, threshold=0.8)
    assert np.array_equal(strict[..., 0] == 0, expected(drawing, reference) >= 0.8)


def test_it_answers_like_a_detector(predictor):
    drawing = Image.fromarray(some((180, 320, 3)))
    made = predictor(drawing)
    assert made.mode == "RGB"
    # At 128 the drawing is 128x256; the map keeps that shape.
    assert made.size == (1024, 512)
    assert predictor(drawing, detect_resolution=64, image_resolution=256, output_type="np").shape == (256, 512, 3)
    assert isinstance(predictor(np.asarray(drawing), output_type="pil"), Image.Image)
    assert predictor(np.asarray(drawing), something_else=1).shape == (512, 1024, 3)
    assert predictor.to("cuda") is predictor
    grey = some((64, 64))
    assert np.array_equal(predictor(grey), predictor(np.repeat(grey[..., None], 3, axis=2)))
    # A reference of another size and kind: a grey image.
    assert predictor(drawing, Image.new("L", (50, 50), 255)).size == (1024, 512)


def test_settings_tell_which_maps_it_was_trained_for(predictor):
    assert predictor.settings.resolution == 128
    assert predictor.settings.detect_resolution == 512
    assert predictor.settings.parameters.offset == 10.0


def test_threads_take_turns(predictor):
    drawings = [some((1, side, side, 3), side) for side in (64, 128, 192, 64)]
    truths = [predictor.predict(drawing) for drawing in drawings]
    wrong = []

    def work(number):
        made = (predictor.predict(drawings[number]) for _ in range(20))
        wrong.extend(number for one in made if not np.array_equal(one, truths[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((np.zeros((64, 64, 3), np.uint8),), "drawings"),
        ((np.zeros((1, 65, 64, 3), np.uint8),), "drawings"),
        ((np.zeros((1, 0, 64, 3), np.uint8),), "drawings"),
        ((np.zeros((1, 64, 64, 4), np.uint8),), "drawings"),
        ((np.zeros((1, 64, 64, 3)),), "drawings"),
        (([[1]],), "drawings"),
        ((np.zeros((1, 64, 64, 3), np.uint8), np.zeros((2, 64, 64), np.uint8)), "references"),
        ((np.zeros((1, 64, 64, 3), np.uint8), np.zeros((64, 64))), "references"),
        ((np.zeros((1, 64, 64, 3), np.uint8), "map"), "references"),
    ],
)
def test_wrong_arrays_are_named(predictor, arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        predictor.predict(*arguments)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"input_image": None}, "input_image"),
        ({"input_image": np.zeros((4, 4))}, "input_image"),
        ({"reference": np.full((64, 64), np.nan)}, "reference"),
        ({"reference": np.zeros((2, 2, 5), np.uint8)}, "reference"),
        ({"detect_resolution": 0}, "detect_resolution"),
        ({"image_resolution": float("nan")}, "image_resolution"),
        ({"output_type": "pt"}, "output_type"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"threshold": "half"}, "threshold"),
    ],
)
def test_wrong_arguments_are_named(predictor, options, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        predictor(**{"input_image": np.zeros((64, 64, 3), np.uint8), **options})


dtypes = st.sampled_from([np.uint8, np.uint16, np.int8, np.float32, np.float64, np.bool_])
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
images = st.one_of(st.none(), dtypes.flatmap(lambda dtype: hnp.arrays(dtype, shapes)))
numbers = st.one_of(st.none(), st.floats(-100, 160), st.floats(allow_nan=True), st.integers(-5, 160))


@settings(max_examples=300, deadline=None)
@given(images, images, numbers, numbers)
def test_a_map_or_a_value_error_that_names_the_argument(folder, image, reference, resolution, threshold):
    predictor = FRNetPredictor.from_pretrained(folder)
    options = {"reference": reference, "detect_resolution": resolution, "threshold": threshold}
    try:
        made = predictor(image, **options, image_resolution=64)
    except ValueError as error:
        named = ("input_image", "reference", "detect_resolution", "image_resolution", "threshold")
        assert str(error).startswith(named)  # noqa: PT017
        return
    assert made.ndim == 3
    assert made.dtype == np.uint8
    assert set(np.unique(made)) <= {0, 255}


def test_a_changed_network_is_refused_unread(folder, tmp_path):
    other = write_predictor(tmp_path / "other")
    content = bytearray((other / MODEL_NAME).read_bytes())
    content[-20] ^= 1
    (other / MODEL_NAME).write_bytes(content)
    with pytest.raises(ValueError, match=r"pretrained_model_or_path must .* SHA-256"):
        FRNetPredictor.from_pretrained(other)
    (other / MODEL_NAME).write_bytes(content + b"x")
    with pytest.raises(ValueError, match=r"must have \d+ bytes, but has more"):
        FRNetPredictor.from_pretrained(other)
    (other / MODEL_NAME).write_bytes(content[:-1])
    with pytest.raises(ValueError, match=r"must have \d+ bytes, but has \d+\."):
        FRNetPredictor.from_pretrained(str(other))
    (other / MODEL_NAME).unlink()
    with pytest.raises(ValueError, match=r"model\.onnx can't be read"):
        FRNetPredictor.from_pretrained(other)


def test_content_that_is_no_network(tmp_path):
    content = b"this is no network"
    listed = {MODEL_NAME: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
    folder = write_predictor(tmp_path / "a", files=listed)
    (folder / MODEL_NAME).write_bytes(content)
    with pytest.raises(ValueError, match="model must be an ONNX network"):
        FRNetPredictor.from_pretrained(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "must say format"),
        ({"format_version": 2}, "must say format"),
        ({"resolution": 10**9}, "resolution must be an integer"),
        ({"resolution": True}, "resolution must be an integer"),
        ({"threshold": float("nan")}, "threshold must lie"),
        ({"threshold": "0.5"}, "threshold must lie"),
        ({"frnet": {}}, "lacks 'detect_resolution'"),
        ({"frnet": {"detect_resolution": 512, "block_size": 4}}, "block_size must be an odd"),
        ({"frnet": {"detect_resolution": 512, "colour": 4}}, "holds colour"),
        ({"frnet": 5}, "is wrong"),
        ({"files": {}}, "lacks 'model.onnx'"),
        ({"files": {MODEL_NAME: {"size": 2**40, "sha256": "0" * 64}}}, "size of model.onnx must"),
        ({"files": {MODEL_NAME: {"size": 10, "sha256": 5}}}, "sha256 of model.onnx must"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        FRNetPredictor.from_pretrained(write_predictor(tmp_path / "a", **changes))
    assert str(caught.value).startswith("pretrained_model_or_path must be a predictor's folder")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 60000, b" " * 70000])
def test_a_configuration_that_is_no_json(tmp_path, text):
    folder = write_predictor(tmp_path / "a")
    (folder / CONFIG_NAME).write_bytes(text)
    with pytest.raises(ValueError, match=r"config\.json"):
        FRNetPredictor.from_pretrained(folder)


@pytest.mark.parametrize("name", ["", 5, "a/b/c", "../x", "./none"])
def test_names_of_nothing(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="pretrained_model_or_path must be a"):
        FRNetPredictor.from_pretrained(name)


def test_the_hub_needs_its_library():
    code = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from signdiff_frnet import FRNetPredictor\n"
        "try: FRNetPredictor.from_pretrained('someone/something')\n"
        "except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "install huggingface_hub" in done.stdout


def test_a_predictor_from_the_hubs_cache(folder, tmp_path):
    pytest.importorskip("huggingface_hub")
    commit = "0" * 40
    home = tmp_path / "models--someone--something"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots").mkdir()
    write_predictor(home / "snapshots" / commit)
    found = FRNetPredictor.from_pretrained("someone/something", cache_dir=str(tmp_path), local_files_only=True)
    assert found.settings.resolution == 128
    with pytest.raises(ValueError, match="the Hub gives no predictor"):
        FRNetPredictor.from_pretrained("someone/other", cache_dir=str(tmp_path), local_files_only=True)


def test_the_bundled_predictor():
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 8e6
    probabilities = FRNetPredictor.from_pretrained().predict(np.zeros((1, 64, 128, 3), np.uint8))
    assert probabilities.shape == (1, 64, 128)
    assert 0 <= probabilities.min() <= probabilities.max() <= 1


def test_using_it_loads_no_torch(folder):
    code = (
        "import sys, numpy as np; from signdiff_frnet import FRNetPredictor;"
        f"FRNetPredictor.from_pretrained({str(folder)!r})(np.zeros((64, 64, 3), np.uint8)); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "onnx", "huggingface_hub", "signdiff_core", "accelerate"} & set(done.stdout.split())


def test_a_refused_image_is_an_invalid_image(predictor):
    with pytest.raises(InvalidImageError, match=r"^reference must"):
        predictor(np.zeros((64, 64, 3), np.uint8), np.zeros((0, 3), np.uint8))
