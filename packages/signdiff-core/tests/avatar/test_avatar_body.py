"""The bundled bodies."""

import numpy as np
import pytest

from signdiff_core.avatar import AvatarBody, Motion, body_names
from signdiff_core.avatar.cast import CAST_PATH, MATERIALS, Cast, bundled_cast
from signdiff_core.camera import Camera
from signdiff_core.skeleton import LEFT_SHOULDER, RIGHT_HAND, RIGHT_SHOULDER, SHOULDER_WIDTH


@pytest.fixture(params=body_names())
def body(request):
    return AvatarBody.named(request.param)


def test_there_are_many_bodies_and_the_first_is_neutral():
    assert len(body_names()) >= 10
    assert body_names()[0] == "person" == AvatarBody.named().name
    shapes = bundled_cast().vertices
    apart = [np.abs(a - b).max() for i, a in enumerate(shapes) for b in shapes[:i]]
    assert min(apart) > 0.01


def test_cast_is_small():
    assert CAST_PATH.stat().st_size < 4e6


def test_cast_round_trips(tmp_path):
    cast = bundled_cast()
    cast.save(tmp_path / "cast.safetensors")
    again = Cast.load(tmp_path / "cast.safetensors")
    assert (again.names, again.bones, again.parents) == (cast.names, cast.bones, cast.parents)
    assert all(np.array_equal(getattr(again, name), getattr(cast, name)) for name in ("vertices", "triangles", "axes"))


def test_mesh_is_sound():
    cast = bundled_cast()
    assert cast.triangles.max() == cast.vertices.shape[1] - 1
    np.testing.assert_allclose(cast.bone_weight.astype(float).sum(1), 1, atol=2e-3)
    assert cast.bone_index.max() < len(cast.bones)
    assert all(parent < bone for bone, parent in enumerate(cast.parents))
    assert set(cast.material) == set(range(len(MATERIALS)))


def test_body_is_normalised_and_faces_the_viewer(body):
    rest = body.joint_rest
    left, right = rest[LEFT_SHOULDER], rest[RIGHT_SHOULDER]
    assert np.linalg.norm(left - right) == pytest.approx(SHOULDER_WIDTH, abs=1e-6)
    np.testing.assert_allclose((left + right) / 2, 0, atol=1e-6)
    assert right[0] < 0 < left[0]
    assert rest[0, 1] < -0.1, "the nose is above the neck"
    assert rest[0, 2] < -0.05, "the nose points to the viewer"


def test_body_is_nearly_symmetric(body):
    rest = body.joint_rest.astype(float)
    mirrored = rest[29:] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored, rest[8:29], atol=0.01)


def test_an_open_hand_spans_a_fifth_of_the_frame(body):
    hand = body.joint_rest[RIGHT_HAND]
    length = np.linalg.norm(np.diff(hand[[0, 9, 10, 11, 12]], axis=0), axis=1).sum()
    assert length * Camera().scale >= 0.2


def test_the_head_fits_into_the_frame(body):
    assert Camera().project(body.vertices[body.vertices[:, 1].argmin()], 100)[1] > 2


def test_the_chin_is_as_high_above_the_shoulders_as_people_s(body):
    """On twelve clips of How2Sign it is 0.24 to 0.37 shoulder widths, where MediaPipe marks the shoulders."""
    chin = -body.face_rest[8, 1] / SHOULDER_WIDTH
    assert 0.28 < chin < 0.34, "the joints about which arms turn lie a little lower"


def test_unknown_body_is_refused():
    with pytest.raises(ValueError, match=r"name must be one of person, .* but is 'giant'"):
        AvatarBody.named("giant")


def test_children_are_refused():
    with pytest.raises(ValueError, match=r"age must be at least 0\.6 \(an adult\), but is 0\.3"):
        AvatarBody.from_phenotype(age=0.3)


@pytest.mark.slow
def test_a_body_of_the_cast_is_made_again_from_its_phenotype():
    pytest.importorskip("anny", reason="the extra bodies brings anny")
    from signdiff_core.demo.bake import PHENOTYPES

    again = AvatarBody.from_phenotype(**{"age": 0.5, **PHENOTYPES["old man"]})
    np.testing.assert_allclose(again.vertices, AvatarBody.named("old man").vertices, atol=1e-5)


def test_a_part_of_a_motion_has_its_turns_and_shapes():
    body = AvatarBody.named()
    turns = np.tile(np.eye(3, dtype=np.float32), (5, len(body.heads), 1, 1))
    shapes = np.arange(5, dtype=np.float32)[:, None] * np.ones((1, len(body.cast.shapes)), dtype=np.float32)
    whole = Motion(body=body, turns=turns, shapes=shapes)
    assert len(whole[3:]) == 2
    assert whole[np.array([4, 1])].shapes[:, 0].tolist() == [4, 1]
    assert Motion(body=body, turns=turns)[1:].shapes is None
    assert [block[2].max() for block in whole[2:4].blocks()] == [3]
