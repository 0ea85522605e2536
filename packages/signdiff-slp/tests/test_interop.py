"""A converted checkpoint puts out what the published code put out."""

import pytest

torch = pytest.importorskip("torch")
from safetensors import safe_open  # noqa: E402

from signdiff_slp.interop import convert  # noqa: E402
from signdiff_slp.models.progressive import generate_with_timing  # noqa: E402


@pytest.fixture(params=["base", "just_counter", "future_prediction"])
def golden(realdata, request):
    with safe_open(realdata / "goldens" / f"pt_reference_{request.param}.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, file.metadata()


@pytest.fixture
def converted(golden):
    tensors, settings = golden
    state = {name.removeprefix("sd."): value for name, value in tensors.items() if name.startswith("sd.")}
    return convert(state, num_heads=int(settings["heads"]))


@pytest.mark.realdata
def test_it_is_numerically_the_published_model(golden, converted):
    tensors, settings = golden
    source, lengths, frames = (tensors[f"io.{name}"] for name in ("src", "src_lengths", "trg_input"))
    assert converted.config.num_future_frames == max(int(settings["future_prediction"]), 1)
    assert torch.allclose(converted.decoder_frontend.pos_encoder.codes[:4], tensors["io.pe_first_4"], atol=1e-6)
    output = converted.teacher_forced(source, lengths, frames)
    assert (output - tensors["io.output"]).abs().max() < 1e-5
    for item, length in enumerate(lengths.tolist()):
        alone = converted.teacher_forced(
            source[item : item + 1, :length], lengths[item : item + 1], frames[item : item + 1]
        )
        assert (alone[0] - tensors["io.output"][item]).abs().max() < 1e-5


@pytest.mark.realdata
def test_decoding_with_told_timing_is_the_published_protocol(realdata):
    with safe_open(realdata / "goldens" / "pt_reference_base.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model = convert({name[3:]: value for name, value in tensors.items() if name.startswith("sd.")}, num_heads=4)
    lengths = tensors["io.src_lengths"].tolist()
    made = generate_with_timing(model, tensors["io.src"], lengths, tensors["io.trg_input"])
    assert (made - tensors["io.greedy_gt_timing"]).abs().max() < 1e-5
