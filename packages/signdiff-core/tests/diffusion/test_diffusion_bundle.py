import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("warp")

from safetensors import safe_open  # noqa: E402

from signdiff_core.demo.bundle import BundleConfig, bundle  # noqa: E402
from signdiff_core.diffusion import SignDiffPipeline, superimposed  # noqa: E402
from signdiff_core.diffusion.detail import DetailModel  # noqa: E402
from signdiff_core.diffusion.folder import RendererSettings, read_frnet  # noqa: E402
from signdiff_core.diffusion.renderer import BUNDLED  # noqa: E402


def dtypes(folder):
    found = set()
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, "pt") as weights:
            found |= {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118 (it is no dict)
    return found


def origins(folder):
    return [path for path in folder.rglob("*.json") if "_name_or_path" in json.loads(path.read_text())]


@pytest.fixture
def trained(parts, one_net, other_net, tmp_path):
    SignDiffPipeline(**parts, controlnet=superimposed(one_net, other_net)).save_pretrained(tmp_path / "trained")
    return tmp_path / "trained"


def test_a_bundle_is_small_nameless_and_ready_to_use(trained, tmp_path):
    (trained / "frnet.json").write_text('{"offset": 4.0}')
    RendererSettings(steps=20, retarget=False, include_face=True).write(trained)
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "MODEL_CARD.md").write_text("card")
    sizes = bundle(BundleConfig(pipeline=str(trained), output_dir=str(target), prompt="somebody", steps=3))
    assert dtypes(target) == {"F16"}
    assert sum(sizes.values()) < 0.6 * sum(path.stat().st_size for path in trained.rglob("*.safetensors"))
    assert origins(target) == []
    assert RendererSettings.read(target) == RendererSettings(
        prompt="somebody", steps=3, guidance_scale=1.0, retarget=True, include_face=True
    )
    assert read_frnet(target) == {"offset": 4.0}
    assert (target / "MODEL_CARD.md").read_text() == "card"
    SignDiffPipeline.from_pretrained(target)


def test_a_bundle_has_its_network_of_detail_and_draws_with_it(trained, tmp_path):
    (trained / "frnet.json").write_text('{"offset": 4.0}')
    DetailModel(block_out_channels=(8, 16)).save_pretrained(tmp_path / "detail_model")
    options = {"detail_model": str(tmp_path / "detail_model"), "frnet_source": "avatar"}
    sizes = bundle(BundleConfig(pipeline=str(trained), output_dir=str(tmp_path / "bundle"), **options))
    assert "detail_model/diffusion_pytorch_model.safetensors" in sizes
    assert dtypes(tmp_path / "bundle") == {"F16"}
    settings = RendererSettings.read(tmp_path / "bundle")
    assert (settings.detail, settings.frnet_source) == (("hands", "face"), "avatar")
    assert SignDiffPipeline.from_pretrained(tmp_path / "bundle").detail_model is not None


def test_an_older_bundle_stays_whole_where_a_new_one_fails(trained, tmp_path, monkeypatch):
    (trained / "frnet.json").write_text('{"offset": 4.0}')
    config = BundleConfig(pipeline=str(trained), output_dir=str(tmp_path / "bundle"))
    bundle(config)
    before = {path: path.read_bytes() for path in (tmp_path / "bundle").rglob("*") if path.is_file()}
    monkeypatch.setattr(SignDiffPipeline, "save_pretrained", lambda self, folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bundle(config)
    assert {path: path.read_bytes() for path in (tmp_path / "bundle").rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "trained"]


def test_a_pipeline_of_unknown_fr_maps_is_not_bundled(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold frnet\.json"):
        bundle(BundleConfig(pipeline=str(trained), output_dir=str(tmp_path / "bundle")))
    assert not (tmp_path / "bundle").exists()


def test_the_pipeline_that_comes_along():
    weights = list(BUNDLED.rglob("*.safetensors"))
    assert sum(path.stat().st_size for path in weights) < 40e6
    assert dtypes(BUNDLED) == {"F16"}
    assert origins(BUNDLED) == []
    assert (BUNDLED / "MODEL_CARD.md").is_file()
    pipeline = SignDiffPipeline.from_pretrained(BUNDLED, local_files_only=True)
    assert pipeline.num_conditions == 2
    assert pipeline.unet.config.sample_size * pipeline.vae_scale_factor == 256
