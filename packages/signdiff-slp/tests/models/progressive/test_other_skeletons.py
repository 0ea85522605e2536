"""A model of a skeleton that somebody else registers."""

import numpy as np
import pytest
import torch

from signdiff_core.skeleton import BODY_HANDS_FACE, BODY_JOINTS, BODY_LIMBS, NOSE, OPENPOSE50, face_of, find_skeleton
from signdiff_slp.models.progressive import PoseStandardizer, ProgressiveConfig, generate, with_bone_lengths
from signdiff_slp.models.progressive.generation import to_pose
from signdiff_slp.models.progressive.poses import bone_lengths
from signdiff_slp.recipes.train.recipe import fit_standardizer

MODULE = f"""
from signdiff_core.skeleton import Component, Skeleton

BODY = Component(name="BODY", joints={BODY_JOINTS!r}, limbs={BODY_LIMBS!r})
MITTENS = Component(name="MITTENS", joints=("PALM", "TIP"), limbs=((0, 1),))
MITTEN = Skeleton(name="mitten", components=(BODY, MITTENS), root=1, shoulders=(2, 5), hands=((8, 10, 4),))
"""


@pytest.fixture
def mitten(tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "mittens-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mittens\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[signdiff.skeletons]\nmitten = mittens:MITTEN\n")
    (site / "mittens.py").write_text(MODULE)
    monkeypatch.syspath_prepend(site)
    return find_skeleton("mitten")


@pytest.fixture
def corpus(tmp_path, mitten):
    folder = tmp_path / "corpus"
    folder.mkdir()
    frames = np.random.default_rng(0).normal(size=(40, 3 * mitten.num_joints)).astype(np.float32)
    frames[:, 24:27] = frames[:, 12:15]  # the palm lies on the wrist
    np.save(folder / "train.poses.npy", frames)
    (folder / "train.tsv").write_text("a\t0\t15\tab\nb\t15\t25\tba\n")
    return folder


def test_values_come_back(mitten, corpus):
    standardizer = PoseStandardizer(mitten)
    fit_standardizer(standardizer, corpus, "train")
    poses = torch.from_numpy(np.load(corpus / "train.poses.npy"))
    values = standardizer(poses)
    assert values[:, 24:27].abs().max() < 1e-4
    torch.testing.assert_close(standardizer.inverse(values), poses, atol=1e-5, rtol=0)
    moving = [*range(24), *range(27, 30)]
    torch.testing.assert_close(values[:, moving].mean(0), torch.zeros(27), atol=1e-4, rtol=0)


def test_bones_get_their_lengths_from_the_root_on(mitten):
    joints = torch.randn(4, 10, 3, generator=torch.Generator().manual_seed(1))
    lengths = torch.linspace(0.1, 1.0, len(mitten.limbs))
    moved = with_bone_lengths(joints, lengths, mitten)
    torch.testing.assert_close(bone_lengths(moved, mitten), lengths.expand(4, -1))
    assert torch.equal(moved[:, mitten.root], joints[:, mitten.root])
    assert torch.equal(moved[:, 8], moved[:, 4])


def test_a_model_signs_with_it(mitten, make_model):
    model = make_model(skeleton="mitten", pose_dim=30, max_frames_per_token=3)
    with pytest.warns(RuntimeWarning):
        [frames] = generate(model, torch.tensor([[2, 5, 6, 3]]), [4])
    assert frames.shape == (12, 31)
    assert mitten.fits(to_pose(frames, model))
    assert not OPENPOSE50.fits(to_pose(frames, model))


def test_a_model_of_faces_signs_with_them(make_model):
    model = make_model(skeleton="body_hands_face", pose_dim=372, max_frames_per_token=3)
    with pytest.warns(RuntimeWarning):
        [frames] = generate(model, torch.tensor([[2, 5, 6, 3]]), [4])
    pose = to_pose(frames, model)
    assert BODY_HANDS_FACE.fits(pose)
    assert face_of(pose)[1].all()


def test_a_face_goes_with_its_nose():
    joints = torch.randn(4, 124, 3, generator=torch.Generator().manual_seed(1))
    moved = with_bone_lengths(joints, torch.linspace(0.1, 1.0, len(BODY_HANDS_FACE.limbs)), BODY_HANDS_FACE)
    assert not torch.allclose(moved[:, NOSE], joints[:, NOSE])
    torch.testing.assert_close(moved[:, 50:] - moved[:, NOSE, None], joints[:, 50:] - joints[:, NOSE, None])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"skeleton": "nothing"}, "must be one of"), ({"pose_dim": 30}, "must be 150, 50 joints of openpose50 by 3")],
)
def test_what_does_not_fit(settings, message):
    result = ProgressiveConfig(**settings).validate()
    assert message in str(result)


def test_the_recipe_trains_it(mitten, corpus, tmp_path):
    from fairseq2.recipe import run
    from fairseq2.recipe.config import CommonSection, ModelSection, RegimeSection
    from fairseq2.recipe.error import RecipeError

    from signdiff_slp.recipes.corpus import TextPoseSection
    from signdiff_slp.recipes.train.config import TrainConfig
    from signdiff_slp.recipes.train.recipe import TextToPoseTrainRecipe

    def config(**model):
        return TrainConfig(
            model=ModelSection(family="slp_progressive", arch="tiny", config_overrides=model),
            dataset=TextPoseSection(
                config_overrides={"data_dir": corpus, "skeleton": "mitten"},
                valid_split=None,
                max_num_frames=64,
                max_seq_len=32,
            ),
            regime=RegimeSection(num_steps=2, checkpoint_every_n_steps=2, publish_metrics_every_n_steps=2),
            common=CommonSection(no_sweep_dir=True),
        )

    run(TextToPoseTrainRecipe(), config(skeleton="mitten", pose_dim=30), tmp_path / "run", no_rich=True)
    assert (tmp_path / "run/checkpoints/step_2").is_dir()
    with pytest.raises(RecipeError, match=r"skeleton of the corpus, mitten, but has openpose50.*pose_dim=30"):
        run(TextToPoseTrainRecipe(), config(), tmp_path / "wrong", no_rich=True)
