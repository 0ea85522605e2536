import errno
import json
import os

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import ControlNetModel, UNet2DConditionModel  # noqa: E402
from diffusers.training_utils import EMAModel  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch.serialization import get_unsafe_globals_in_checkpoint  # noqa: E402
from transformers import CLIPTextModel  # noqa: E402

from signdiff_core.training.kit.arguments import RunConfig  # noqa: E402
from signdiff_core.training.kit.checkpoints import (  # noqa: E402
    clean_up,
    find_checkpoint,
    list_checkpoints,
    prune_checkpoints,
    run_folder,
    whole_folder,
)
from signdiff_core.training.kit.state import STATE_NAME, RunState  # noqa: E402


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_checkpoints_are_found_and_thinned_out(tmp_path):
    for step in (5, 100, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / ".checkpoint-200.tmp").mkdir()
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-5", "checkpoint-20", "checkpoint-100"]
    assert find_checkpoint("latest", tmp_path).name == "checkpoint-100"
    assert find_checkpoint("checkpoint-5", tmp_path).name == "checkpoint-5"
    with pytest.raises(FileNotFoundError, match="'latest' or a checkpoint"):
        find_checkpoint("checkpoint-6", tmp_path)
    prune_checkpoints(tmp_path, 1)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-100"]
    assert find_checkpoint("latest", tmp_path / "nothing") is None
    clean_up(tmp_path)
    assert names(tmp_path) == ["checkpoint-100"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "made"
    with whole_folder(target) as folder:
        (folder / "a").write_text("old")
        assert not target.exists()
    with pytest.raises(IsADirectoryError), whole_folder(target) as folder:
        folder.read_text()
    assert (target / "a").read_text() == "old"
    with whole_folder(target) as folder:
        (folder / "b").write_text("new")
    assert names(tmp_path) == ["made"]
    assert names(target) == ["b"]


def test_weights_can_be_read_as_any_new_file_can(tmp_path):
    with whole_folder(tmp_path / "made") as folder:
        save_file({"a": torch.zeros(1)}, folder / "a.safetensors")
        (folder / "b.json").write_text("{}")
    made = {path.name: path.stat().st_mode for path in (tmp_path / "made").iterdir()}
    assert made["a.safetensors"] == made["b.json"]


def test_a_full_disk_is_told_with_the_way_to_resume(tmp_path):
    config = RunConfig(output_dir=str(tmp_path), resume_from_checkpoint="latest")
    full = OSError(errno.ENOSPC, "No space left on device", "x.png")
    nothing = r"cannot write to x.png: No space left on device; there is no checkpoint"
    with pytest.raises(OSError, match=nothing), run_folder(config, []):
        raise full
    (tmp_path / "checkpoint-7").mkdir()
    way = "checkpoint-7 is whole: resume with --resume_from_checkpoint latest"
    with pytest.raises(OSError, match=way), run_folder(config, []):
        raise full
    with pytest.raises(FileNotFoundError, match="gone"), run_folder(config, []):
        raise FileNotFoundError(errno.ENOENT, "gone")


class Training:
    """A text encoder and a ControlNet, channels last as in training, that learn noise for some steps."""

    def __init__(self, base, *, averages=True, settings=None, kind=torch.optim.AdamW):
        torch.manual_seed(3)
        unet = UNet2DConditionModel.from_pretrained(base, subfolder="unet")
        self.controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 8))
        self.controlnet.to(memory_format=torch.channels_last)
        self.text_encoder = CLIPTextModel.from_pretrained(base, subfolder="text_encoder")
        self.parameters = [*self.text_encoder.parameters(), *self.controlnet.parameters()]
        self.optimizer = kind(self.parameters, lr=1e-2)
        self.averages = EMAModel(self.parameters, decay=0.9) if averages else None
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
        self.state = RunState(
            parts={"text_encoder": self.text_encoder, "controlnet": self.controlnet},
            optimizer=self.optimizer,
            averages=self.averages,
            scaler=self.scaler,
            settings=settings or {"conditions": "openpose"},
        )

    def steps(self, first, last):
        for step in range(first, last):
            generator = torch.Generator().manual_seed(step)
            for weights in self.parameters:
                weights.grad = torch.randn(weights.shape, generator=generator)
            self.scaler.scale(torch.ones(()))
            self.optimizer.step()
            self.scaler.update(self.scaler.get_scale() + 1)
            if self.averages:
                self.averages.step(self.parameters)


@pytest.fixture(scope="module")
def checkpoint(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "checkpoint-3"
    folder.mkdir()
    training = Training(base)
    training.steps(0, 3)
    training.state.write(folder, step=3, loss=0.1 + 0.2)
    return folder


def test_what_is_restored_goes_on_to_the_bit(base, checkpoint):
    straight, resumed = Training(base), Training(base)
    straight.steps(0, 5)
    assert resumed.state.read(checkpoint) == {"step": 3, "loss": 0.1 + 0.2}
    resumed.steps(3, 5)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters, resumed.parameters, strict=True))
    shadows = straight.averages.shadow_params, resumed.averages.shadow_params
    assert all(torch.equal(a, b) for a, b in zip(*shadows, strict=True))
    assert straight.averages.optimization_step == resumed.averages.optimization_step == 5
    assert straight.scaler.get_scale() == resumed.scaler.get_scale() == 8 + 5
    for weights in resumed.controlnet.parameters():
        moment = resumed.optimizer.state[weights]["exp_avg"]
        assert moment.stride() == weights.stride()


def test_what_is_saved_opens_in_its_library_and_is_not_pickled(base, checkpoint):
    training = Training(base)
    training.steps(0, 3)
    for kind, part in ((ControlNetModel, training.controlnet), (CLIPTextModel, training.text_encoder)):
        name = "controlnet" if kind is ControlNetModel else "text_encoder"
        found = kind.from_pretrained(checkpoint / name).state_dict()
        assert all(torch.equal(found[key], value) for key, value in part.state_dict().items())
    files = [path for path in checkpoint.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json"}
    for path in files:
        if path.suffix == ".json":
            json.loads(path.read_text())
        else:
            load_file(path)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (os.environ["BOMB"],)


def test_pickled_checkpoints_are_refused_unread(base, tmp_path, monkeypatch):
    from accelerate import Accelerator

    old, bomb = tmp_path / "checkpoint-3", tmp_path / "exploded"
    monkeypatch.setenv("BOMB", str(bomb))
    training, accelerator = Training(base), Accelerator()
    accelerator.prepare(training.controlnet, training.optimizer)
    accelerator.save_state(str(old))
    assert (old / "random_states_0.pkl").is_file()
    torch.save(Bomb(), old / "custom_checkpoint_0.pkl")
    assert get_unsafe_globals_in_checkpoint(old / "custom_checkpoint_0.pkl") == [f"{os.name}.mkdir"]  # a live one
    with pytest.raises(ValueError, match=f"must hold {STATE_NAME}, but has none: .*pickled are not read"):
        Training(base).state.read(old)
    assert not bomb.exists()


@pytest.fixture
def copied(checkpoint, tmp_path):
    import shutil

    return shutil.copytree(checkpoint, tmp_path / "checkpoint-3")


@pytest.mark.parametrize(
    "name", ["controlnet/diffusion_pytorch_model.safetensors", "optimizer.safetensors", "averages.safetensors"]
)
def test_cut_files_are_named(base, copied, name):
    path = copied / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{name} must be a whole safetensors file, but is damaged"):
        Training(base).state.read(copied)


def test_missing_and_foreign_files_are_named(base, copied):
    name = "controlnet/diffusion_pytorch_model.safetensors"
    weights = load_file(copied / name)
    save_file({key: value for key, value in weights.items() if key != "conv_in.bias"}, copied / name)
    with pytest.raises(ValueError, match=r"differs in conv_in.bias and 0 more"):
        Training(base).state.read(copied)
    (copied / name).unlink()
    with pytest.raises(ValueError, match=f"{name} must be there"):
        Training(base).state.read(copied)


def test_moments_of_something_else_are_refused(base, copied):
    save_file({"unet.conv_in.bias/exp_avg": torch.zeros(8)}, copied / "optimizer.safetensors")
    with pytest.raises(ValueError, match=r"must hold moments of what is trained, but holds 'unet.conv_in.bias"):
        Training(base).state.read(copied)


def test_other_settings_are_refused(base, copied):
    with pytest.raises(ValueError, match=r"conditions must be 'openpose' as in .*, but is 'frnet'"):
        Training(base, settings={"conditions": "frnet"}).state.read(copied)
    with pytest.raises(ValueError, match=r"use_ema must be on as in .*, but is off"):
        Training(base, averages=False).state.read(copied)
    Training(base, settings={"seed": 3}).state.read(copied)  # of which those of before tell nothing
    (copied / STATE_NAME).write_text((copied / STATE_NAME).read_text().replace('"averages": 3', '"averages": null'))
    with pytest.raises(ValueError, match="use_ema must be off"):
        Training(base).state.read(copied)
    Training(base, averages=False).state.read(copied)


def test_a_run_does_not_go_on_with_other_frames(base, copied):
    training = Training(base)
    training.state.data = "ab"
    training.state.read(copied)  # which, as one of before, tells nothing of its frames
    state = json.loads((copied / STATE_NAME).read_text())
    (copied / STATE_NAME).write_text(json.dumps(state | {"data": "cd"}))
    with pytest.raises(ValueError, match=r"the training data must be what .* was trained on, but is not"):
        training.state.read(copied)
    training.state.data = "cd"
    training.state.read(copied)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must be JSON"),
        ("[]", "of version 1, but is of None"),
        ('{"version": 2}', "of version 1, but is of 2"),
        ('{"version": 1, "settings": {}}', "must hold an object named progress"),
        ("[" * 100_000, "must be JSON"),
        (
            '{"version": 1, "settings": {}, "optimizer": {}, "progress": {}, "extras": 7}',
            "must hold an object named extras",
        ),
        (
            '{"version": 1, "settings": {}, "optimizer": {}, "progress": {"loss": NaN}}',
            r"training_state\.json must hold numbers under progress, but 'loss' is none",
        ),
        (
            '{"version": 1, "settings": {}, "optimizer": {}, "progress": {"loss": 1e308}}',
            r"training_state\.json must hold numbers under progress, but 'loss' is none",
        ),
    ],
)
def test_a_broken_state_file_is_refused(base, copied, content, message):
    (copied / STATE_NAME).write_text(content)
    with pytest.raises(ValueError, match=message):
        Training(base, settings={}).state.read(copied)


def test_weights_that_are_not_finite_are_named(base, copied):
    name = "controlnet/diffusion_pytorch_model.safetensors"
    weights = load_file(copied / name)
    weights["conv_in.bias"][0] = float("nan")
    save_file(weights, copied / name)
    with pytest.raises(ValueError, match=f"{name} must hold finite weights, but conv_in.bias has NaN"):
        Training(base).state.read(copied)
