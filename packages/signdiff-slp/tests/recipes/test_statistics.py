import numpy as np

from signdiff_core.skeleton import limb_lengths
from signdiff_slp.datasets.files import open_poses, read_manifest
from signdiff_slp.models.progressive import PoseStandardizer
from signdiff_slp.recipes.train.recipe import fit_standardizer


def test_statistics_are_those_of_the_corpus(corpus):
    standardizer = PoseStandardizer()
    fit_standardizer(standardizer, corpus, "train")
    poses = open_poses(corpus, "train").reshape(-1, 50, 3)
    elbow, fingertip = poses[:, 3], poses[:, 41] - poses[:, 29]
    for joint, values in ((3, elbow), (41, fingertip)):
        mean = standardizer.mean.view(50, 3)[joint].numpy()
        np.testing.assert_allclose(mean, values.mean(0), atol=1e-5)
        spread = np.sqrt(values.var(0).mean())
        np.testing.assert_allclose(standardizer.spread.view(50, 3)[joint].numpy(), spread, rtol=1e-4)
    lengths = np.median(limb_lengths(poses), axis=0)
    np.testing.assert_allclose(standardizer.bone_lengths.numpy(), lengths, rtol=2e-2)
    first = [example.offset for example in read_manifest(corpus, "train")]
    np.testing.assert_allclose(standardizer.rest.view(50, 3).numpy(), poses[first].mean(0), atol=1e-5)


def test_joints_that_never_move_are_not_blown_up(tmp_path):
    np.save(tmp_path / "train.poses.npy", np.ones((4, 150), np.float32))
    (tmp_path / "train.tsv").write_text("a\t0\t4\thi\n")
    standardizer = PoseStandardizer()
    fit_standardizer(standardizer, tmp_path, "train")
    np.testing.assert_allclose(standardizer.spread.numpy(), 0.004)
