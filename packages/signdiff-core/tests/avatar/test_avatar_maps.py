"""Control images of the avatar: known surfaces, and the conventions of controlnet_aux's own detectors."""

from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

import warp as wp

from signdiff_core import plugins
from signdiff_core.avatar import AvatarRenderer, Signer, control_maps, fit, kernels, maps
from signdiff_core.avatar.raycast import render_surfaces
from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.gaps import MissingJointsWarning
from signdiff_core.skeleton import make_pose

WITHOUT_FRNET = tuple(name for name in maps.MAPS if name != "frnet")


def measured(points, triangles, normals, size=64):
    """Depths and normals that the kernel finds on a mesh, seen by a camera of one unit."""
    count = size * size
    mesh = wp.Mesh(points=wp.array(points, dtype=wp.vec3), indices=wp.array(triangles.ravel(), dtype=wp.int32))
    depth, facing = wp.zeros(count, dtype=wp.float32), wp.zeros(count, dtype=wp.vec3)
    corners, kept = wp.array(triangles.ravel(), dtype=wp.int32), wp.array(np.ones(len(points)), dtype=wp.float32)
    view = [mesh.id, corners, wp.array(normals, dtype=wp.vec3), kept, size, size, 1.0, 1.0, 0.5, 0.5]
    wp.launch(kernels.measure, dim=count, inputs=[*view, depth, facing])
    return depth.numpy().reshape(size, size), facing.numpy().reshape(size, size, 3)


def pixels(size=64):
    """Places of the pixels' middles, in units: x to the right, y downwards."""
    middle = (np.arange(size) + 0.5) / size - 0.5
    return np.meshgrid(middle, middle)


def test_a_sphere_is_measured():
    radius = 0.4
    down, around = np.meshgrid(np.linspace(0, np.pi, 181), np.linspace(0, 2 * np.pi, 361), indexing="ij")
    unit = np.stack([np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), np.cos(down)], axis=-1)
    first = (np.arange(180)[:, None] * 361 + np.arange(360)).reshape(-1, 1)
    triangles = np.concatenate([first + corners for corners in np.array([[0, 361, 362], [0, 362, 1]])])
    unit = unit.reshape(-1, 3)
    depth, normals = measured(radius * unit, triangles, unit)
    x, y = pixels()
    inside, outside = np.hypot(x, y) < radius - 0.02, np.hypot(x, y) > radius + 0.02
    z = -np.sqrt(np.clip(radius**2 - x**2 - y**2, 0, None))
    np.testing.assert_allclose(depth[inside], z[inside], atol=2e-3)
    np.testing.assert_allclose(normals[inside], np.stack([x, y, z], axis=-1)[inside] / radius, atol=2e-2)
    assert (depth[outside] == 100).all()
    assert (normals[outside] == [0, 0, -1]).all()

    picture = maps.normal_picture(normals).astype(int)
    middle = slice(31, 33)
    assert np.abs(picture[middle, middle] - [127, 127, 255]).max() <= 5, "towards the viewer is blue"
    red, green = picture[..., 0], picture[..., 1]
    assert red[32, 10] > 220 > 40 > red[32, 53], "the side at the viewer's left is red"
    assert green[10, 32] > 220 > 40 > green[53, 32], "the top is green"


def test_a_slanted_plane_is_measured():
    """The plane z = x / 2, whose side at the viewer's left is nearer."""
    corners = np.array([[-0.6, -0.6, -0.3], [0.6, -0.6, 0.3], [0.6, 0.6, 0.3], [-0.6, 0.6, -0.3]])
    normal = np.array([0.5, 0, -1]) / np.hypot(0.5, 1)
    depth, normals = measured(corners, np.array([[0, 1, 2], [0, 2, 3]]), np.repeat(normal[None], 4, axis=0))
    np.testing.assert_allclose(depth, pixels()[0] / 2, atol=1e-5)
    np.testing.assert_allclose(normals, np.broadcast_to(normal, normals.shape), atol=1e-5)
    grey = maps.depth_picture(maps.nearness(depth))[..., 0].astype(int)
    assert (grey[:, 0] >= 254).all(), "the nearest is white"
    assert (grey[:, -1] <= 1).all(), "the farthest is black"
    assert (np.diff(grey, axis=1) < 0).all()


@cache
def drawn_scene(joints):
    """A motion of one frame, the avatar's own frame, and its maps, at controlnet_aux's resolution."""
    pose = make_pose(np.array(joints)[None], 25)
    motion = fit(Signer.neutral().avatar(), pose.body.data[:, 0].filled(0))
    frame = next(AvatarRenderer(signer=Signer.neutral()).render(pose, size=512, framing=Camera()))
    return motion, frame, next(control_maps(pose, WITHOUT_FRNET, size=512, framing=Camera()))


@pytest.fixture
def scene(pose):
    return drawn_scene(tuple(map(tuple, pose.body.data[0, 0].filled(0).tolist())))


@pytest.fixture
def aux():
    pytest.importorskip("torch")
    return pytest.importorskip("controlnet_aux", reason="controlnet_aux is not installed")


def knowing(answer):
    """A network that answers with what is known of the scene, whatever it is shown."""
    import torch

    class Known(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, image):
            assert image.shape == (1, 3, 512, 512)
            return answer

    return Known()


@pytest.mark.parametrize("factor", [1.0, 3000.0])
def test_depth_is_what_midas_detector_makes_of_the_true_depth(aux, scene, factor):
    """MiDaS guesses 1 / distance up to a factor and a shift; the detector brings it to 0 to 255 of uint8 RGB."""
    import torch

    motion, frame, made = scene
    depth, _ = next(render_surfaces(Signer.neutral(), motion, size=1024, camera=Camera()))
    distance = 1.6 + np.minimum(depth, 0.6)
    near = (1 / distance).reshape(512, 2, 512, 2).mean(axis=(1, 3), dtype=np.float64)
    known = torch.from_numpy((factor * near + 5).astype(np.float32))
    found = aux.MidasDetector(knowing(known[None]))(frame)
    assert (found.shape, found.dtype) == (made["depth"].shape, made["depth"].dtype)
    assert np.abs(found.astype(int) - made["depth"]).max() <= 1
    assert (made["depth"].min(), made["depth"].max()) == (0, 255)
    assert (made["depth"][:20, :20] == 0).all(), "the background is far"
    hand = Camera().project(motion.joints[0, 29:].mean(axis=0), 512).astype(int)
    chest = Camera().project(np.array([0, 0.25, 0]), 512).astype(int)
    assert made["depth"][hand[1], hand[0], 0] > made["depth"][chest[1], chest[0], 0] > 60


def test_normals_are_what_normal_bae_detector_makes_of_the_true_normals(aux, scene):
    """Its network's axes, ScanNet's, point to the viewer's left, upwards and towards the viewer."""
    import torch

    motion, frame, made = scene
    _, normals = next(render_surfaces(Signer.neutral(), motion, size=1024, camera=Camera()))
    mean = normals.reshape(512, 2, 512, 2, 3).mean(axis=(1, 3), dtype=np.float64)
    mean /= np.linalg.norm(mean, axis=2, keepdims=True)
    known = torch.from_numpy(np.stack([-mean[..., 0], -mean[..., 1], -mean[..., 2], mean[..., 0]]).astype(np.float32))
    found = aux.NormalBaeDetector(knowing([[known[None]]]))(frame, output_type="np")
    assert (found.shape, found.dtype) == (made["normal"].shape, made["normal"].dtype)
    assert np.abs(found.astype(int) - made["normal"]).max() <= 1
    assert (made["normal"][:20, :20] == [127, 127, 255]).all(), "the background is a wall that faces the viewer"


def test_the_sides_of_a_head_are_coloured_as_scannet_has_them(scene):
    """Blue is front, red is left, green is top, as the page of the ControlNet that takes BAE's maps says."""
    motion, _, made = scene
    nose = motion.joints[0, 0]
    row, column = (Camera().project(nose, 512)[::-1]).astype(int)
    normal = made["normal"].astype(int)
    on_head = np.flatnonzero(np.abs(normal[row] - [127, 127, 255]).max(axis=1) > 2)
    on_head = on_head[np.abs(on_head - column) < 70]
    left, right = normal[row, on_head[1]], normal[row, on_head[-2]]
    assert left[0] > 170 > 90 > right[0]
    top = np.flatnonzero(np.abs(normal[:, column] - [127, 127, 255]).max(axis=1) > 2)[1]
    assert normal[top, column][1] > 190


def test_trousers_face_outwards(pose):
    """The outline of both legs: red at the viewer's left, without red at the right, as on all that is round."""
    legs = Camera(scale=0.4, neck=(0.5, 0.3))
    normal = next(control_maps(pose, ["normal"], size=256, framing=legs))["normal"].astype(int)
    row = int(legs.project(np.array([0.0, 0.85]), 256)[1])
    on_legs = np.flatnonzero(np.abs(normal[row] - [127, 127, 255]).max(axis=1) > 2)
    assert normal[row, on_legs[1], 0] > 170 > 90 > normal[row, on_legs[-2], 0]
    assert (normal[row, on_legs[1:-1], 2] > 127).all(), "what is seen faces the viewer"


def test_canny_equals_canny_detector_to_the_pixel(aux, scene):
    _, frame, made = scene
    assert np.array_equal(made["canny"], aux.CannyDetector()(frame))
    assert set(np.unique(made["canny"])) == {0, 255}


def test_soft_edges_have_the_form_of_hed_detector(aux, scene):
    """White lines on black: on the outline of body and fingers bright, on plain surfaces and background black."""
    import torch

    motion, frame, made = scene
    edges = made["softedge"]
    assert edges.shape == (512, 512, 3)
    assert (edges == edges[..., :1]).all()
    outline = np.isinf(next(render_surfaces(Signer.neutral(), motion, size=512, camera=Camera()))[0]).astype(np.uint8)
    line = cv2.morphologyEx(outline, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))[3:-3, 3:-3] > 0
    assert np.median(edges[3:-3, 3:-3][line]) > 230
    assert (edges[:20] == 0).all()
    x, y = Camera().project(np.array([0.02, 0.2, 0]), 512).astype(int)
    assert edges[y - 10 : y + 10, x - 10 : x + 10].max() < 20, "the shirt is plain"
    # The detector makes probabilities of five layers' logits: a sure edge is white, a sure plain black.
    sure = torch.from_numpy(np.where(edges[..., 0] > 127, 20.0, -20.0).astype(np.float32))[None, None]
    found = aux.HEDdetector(knowing([sure] * 5))(frame, output_type="np")
    assert (found[edges[..., 0] > 127] >= 254).all()
    assert (found[edges[..., 0] <= 127] == 0).all()


def test_drawings_show_the_joints_of_the_body(scene, pose):
    motion, _, made = scene
    assert np.array_equal(made["openpose"], draw(motion.joints[0], camera=Camera()))
    faced = next(control_maps(pose, ["openpose"], size=512, framing=Camera(), include_face=True))["openpose"]
    assert ((faced == 255).all(axis=2)).sum() > 500, "a face is white dots"


def test_frames_come_as_asked(pose):
    asked = ("normal", "openpose", "depth")
    whole = list(control_maps(pose, asked, width=96, height=64))
    assert [tuple(frame) for frame in whole] == [asked] * len(pose.body.data)
    assert all(picture.shape == (64, 96, 3) and picture.dtype == np.uint8 for f in whole for picture in f.values())
    for late, frame in zip(control_maps(pose, asked, width=96, height=64, start=2), whole[2:], strict=True):
        assert all(np.array_equal(late[name], frame[name]) for name in asked)
    alone = next(control_maps(pose, "depth", width=96, height=64))
    assert np.array_equal(alone["depth"], whole[0]["depth"]), "a map does not depend on the others"


def test_nobody_is_a_wall(pose):
    """Where the signer is hidden, the maps show what is behind."""
    confidence = np.ones((60, 50))
    confidence[20:40] = 0
    joints = np.repeat(pose.body.data[:1, 0].filled(0), 60, axis=0)
    clip = make_pose(joints, 25, confidence=confidence)
    with pytest.warns(MissingJointsWarning):
        made = next(control_maps(clip, WITHOUT_FRNET, size=64, missing="hide", start=30))
    assert (made["normal"] == [127, 127, 255]).all()
    assert not any(made[name].any() for name in ("openpose", "depth", "softedge", "canny"))


def test_hidden_joints_are_not_drawn(pose):
    confidence = np.ones((60, 50))
    confidence[20:40, 29:] = 0
    joints = np.repeat(pose.body.data[:1, 0].filled(0), 60, axis=0)
    clip = make_pose(joints, 25, confidence=confidence)
    with pytest.warns(MissingJointsWarning):
        held, hidden = (next(control_maps(clip, size=64, missing=m, start=30)) for m in ("hold", "hide"))
    assert np.array_equal(held["depth"], hidden["depth"]), "a body has all of its parts"
    assert (held["openpose"] != hidden["openpose"]).any()


@pytest.mark.parametrize("name", ["depth", "normal", "softedge", "canny"])
def test_annotators_draw_a_known_pose(pose, name):
    """They are called as the annotator openpose is, and draw what the function draws."""
    joints = pose.body.data[0, 0].filled(0)
    drawer = plugins.load("signdiff.annotators", name).from_pretrained()
    picture = drawer(joints, detect_resolution=128, image_resolution=64)
    assert (type(picture), picture.size, picture.mode) == (Image.Image, (64, 64), "RGB")
    expected = next(control_maps(make_pose(joints[None], 25), [name], size=128, framing=Camera()))[name]
    assert np.array_equal(drawer(joints, detect_resolution=128, image_resolution=128, output_type="np"), expected)
    with pytest.raises(ValueError, match=r"joints must have the shape .* but have \(7, 3\)"):
        drawer(np.zeros((7, 3)))


@pytest.mark.sibling
def test_fr_maps_are_those_of_the_frame(pose):
    detector = pytest.importorskip("signdiff_frnet").FRNetDetector()
    frame = next(AvatarRenderer(signer=Signer.neutral()).render(pose, size=512))
    made = next(control_maps(pose, ["frnet"], size=512))["frnet"]
    assert np.array_equal(made, detector(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), output_type="np"))
    small = next(control_maps(pose, ["frnet"], width=200, height=100))["frnet"]
    assert small.shape == (100, 200, 3)
    assert set(np.unique(small)) == {0, 255}


def test_an_annotator_of_another_package_looks_at_the_frame(pose, site, installed):
    module = """
class Negative:
    @classmethod
    def from_pretrained(cls):
        return cls()

    def __call__(self, image, detect_resolution=512, image_resolution=512, output_type=None):
        assert output_type == "np"
        return 255 - image[..., :1].repeat(3, axis=2)
"""
    installed(site, "negatives", "1.0", "[signdiff.annotators]\nnegative = negatives:Negative\n", {"negatives": module})
    frame = next(AvatarRenderer(signer=Signer.neutral()).render(pose, size=64))
    made = next(control_maps(pose, ["negative"], size=64))["negative"]
    assert np.array_equal(made, 255 - frame[..., :1].repeat(3, axis=2))


def test_wrong_calls_are_refused(pose):
    with pytest.raises(plugins.UnknownPluginError, match=r"maps must be openpose, .* but one is 'deep'"):
        control_maps(pose, ["deep"])
    with pytest.raises(ValueError, match="each of them once"):
        control_maps(pose, ["depth", "depth"])
    with pytest.raises(ValueError, match="each of them once"):
        control_maps(pose, [])
    with pytest.raises(ValueError, match="start must be at least 0, but is -1"):
        control_maps(pose, start=-1)
    with pytest.raises(ValueError, match="size must be between 16 and 4096, but is 8"):
        control_maps(pose, size=8)
    with pytest.raises(ValueError, match="device must be"):
        control_maps(pose, device="abacus")
