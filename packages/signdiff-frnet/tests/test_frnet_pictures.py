"""Pictures on the command line and in Python: depth, modes, animations, pages, sizes."""

import tracemalloc
from contextlib import suppress
from io import BytesIO

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, ImageSequence

from signdiff_frnet import FRNetDetector, FRNetPredictor, InvalidImageError, frnet
from signdiff_frnet.cli import main
from signdiff_frnet.files import MediaError
from signdiff_frnet.pictures import read_image

RAMP = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80)
SIZES = {"detect_resolution": 64, "image_resolution": 64}
SMALL = ["--detect-resolution", "64", "--image-resolution", "64"]


def smooth(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (15, 15), 0), None, 0, 255, cv2.NORM_MINMAX)


def frames_of(path):
    video, frames = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        frames.append(read[1])
    return frames, video.get(cv2.CAP_PROP_FPS)


@pytest.mark.parametrize(
    ("name", "pixels", "bits"),
    [
        ("grey16.png", RAMP * 12, 16),
        ("rgb16.png", np.dstack([RAMP * 12] * 3), 16),
        ("rgba16.png", np.dstack([RAMP * 12] * 4), 16),
        ("grey12in16.tif", RAMP % 4096, 16),
        ("rgb12in16.tif", np.dstack([RAMP % 4096] * 3), 16),
        ("float.tif", RAMP.astype(np.float32) / 5120, 32),
    ],
)
def test_more_than_8_bits_are_refused_in_both(tmp_path, capsys, name, pixels, bits):
    path = tmp_path / name
    assert cv2.imwrite(str(path), pixels)
    assert main([str(path), "-o", str(tmp_path / "map.png")]) == 1
    words = f"signdiff-frnet: {path}: expected a picture with 8 bits a channel, but it has {bits}: scale it first"
    assert capsys.readouterr().err.startswith(words)
    assert not (tmp_path / "map.png").exists()
    with Image.open(path) as image, pytest.raises(InvalidImageError, match=f"8 bits a channel, but has {bits} "):
        FRNetDetector()(image)


def test_8_bits_in_any_file_are_read(tmp_path):
    grey = Image.fromarray(smooth(0)).convert("L")
    expected = np.array(FRNetDetector()(grey, **SIZES))
    for name in ("grey.png", "grey.tif", "grey.bmp"):
        grey.save(tmp_path / name)
        assert main([str(tmp_path / name), "-o", str(tmp_path / "map.png"), *SMALL]) == 0
        assert_array_equal(np.array(Image.open(tmp_path / "map.png")), expected)
    grey.convert("1").save(tmp_path / "bits.tif")
    assert main([str(tmp_path / "bits.tif"), "-o", str(tmp_path / "map.png"), *SMALL]) == 0


@pytest.mark.parametrize("mode", ["LA", "PA"])
def test_grey_and_palettes_with_opacity_are_read_in_both(tmp_path, mode):
    opacity = np.zeros((64, 80), np.uint8)
    opacity[:, 30:] = 255
    rgba = Image.fromarray(np.dstack([smooth(1)[..., :1]] * 3 + [opacity]))
    image = rgba.convert("LA") if mode == "LA" else rgba.convert("P").convert("PA")
    by_hand = np.array(
        Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")
    )
    found = np.array(FRNetDetector()(image, **SIZES))
    assert (found != np.array(FRNetDetector()(Image.fromarray(by_hand), **SIZES))).mean() < 0.001
    if mode == "LA":
        image.save(tmp_path / "la.png")
        assert main([str(tmp_path / "la.png"), "-o", str(tmp_path / "map.png"), *SMALL]) == 0
        assert_array_equal(np.array(Image.open(tmp_path / "map.png")), found)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("whole", [False, True])
def test_an_animation_is_a_video(tmp_path, suffix, whole, capsys):
    path, target = tmp_path / f"clip{suffix}", tmp_path / "out"
    stills = [Image.fromarray(smooth(seed)) for seed in range(6)]
    options = {"lossless": True} if suffix == ".webp" else {}
    stills[0].save(path, save_all=True, append_images=stills[1:], duration=40, **options)
    if whole:
        target = target.with_name("fr.mkv")
    assert main([str(path), "-o", str(target)]) == 0
    assert main([str(path), "-o", str(tmp_path / "map.png")]) == 2
    assert f"as the animation {path} is one" in capsys.readouterr().err
    frames, fps = frames_of(target if whole else target / "clip.mp4")
    assert (len(frames), fps) == (6, 25)
    if whole:
        with Image.open(path) as picture:
            shown = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]
        assert_array_equal([frame[..., 0] for frame in frames], [frnet(frame) for frame in shown])


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_still_of_those_formats_is_an_image(tmp_path, suffix):
    (tmp_path / "in").mkdir()
    Image.fromarray(smooth(0)).save(tmp_path / "in" / f"still{suffix}")
    assert main([str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").glob("[!.]*")] == ["still.png"]


@pytest.mark.parametrize(("suffix", "count"), [(".tif", 3), (".png", 3)])
def test_pages_are_never_left_out_silently(tmp_path, capsys, suffix, count):
    path = tmp_path / f"pages{suffix}"
    pages = [Image.fromarray(smooth(seed)) for seed in range(count)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    assert main([str(path), "-o", str(tmp_path / "map.png")]) == 1
    words = f"signdiff-frnet: {path}: expected one picture, but the file holds {count}: split them into files first.\n"
    assert capsys.readouterr().err == words


def test_a_preview_inside_a_file_is_no_page(tmp_path):
    still = Image.fromarray(smooth(0))
    still.save(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=[still.resize((40, 32))])
    still.save(tmp_path / "one.tif")
    small = still.resize((40, 32))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    still.save(tmp_path / "pyramid.tif", save_all=True, append_images=[small])
    for name in ("phone.jpg", "pyramid.tif"):
        assert main([str(tmp_path / name), "-o", str(tmp_path / "map.png")]) == 0


def test_a_picture_of_too_many_pixels_is_one_line(tmp_path, capsys, monkeypatch):
    path = tmp_path / "large.png"
    Image.new("L", (300, 200)).save(path)
    for limit, status in ((59_999, 0), (29_999, 1)):  # Pillow warns from the first on, and refuses twice as many
        monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", limit)
        assert main([str(path), "-o", str(tmp_path / "map.png")]) == status
    words = capsys.readouterr().err
    assert words.startswith(f"signdiff-frnet: {path}: expected an image, but it can't be decoded: Image size (60000")
    assert words.count("\n") == 1


def test_a_part_that_says_it_is_large_takes_no_memory(tmp_path):
    content = BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(content, "PNG")
    whole, place = content.getvalue(), content.getvalue().index(b"IDAT") - 4
    forged = whole[:place] + (2**31 - 1).to_bytes(4, "big") + whole[place + 4 :]
    (tmp_path / "forged.png").write_bytes(forged)
    tracemalloc.start()
    try:
        with suppress(MediaError):
            read_image(tmp_path / "forged.png")
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()


def test_images_at_their_own_size(tmp_path):
    frame = smooth(0)[:53, :71]
    Image.fromarray(frame).save(tmp_path / "frame.png")
    arguments = [str(tmp_path / "frame.png"), "-o", str(tmp_path / "map.png"), "--own-size"]
    assert main(arguments) == 0
    assert_array_equal(np.array(Image.open(tmp_path / "map.png"))[..., 0], frnet(frame))
    assert main([*arguments, "--detect-resolution", "128"]) == 0
    assert Image.open(tmp_path / "map.png").size == (71, 53)


@pytest.mark.parametrize("detector", [FRNetDetector, FRNetPredictor])
def test_return_pil_is_honoured_as_by_nine_of_controlnet_aux(detector):
    annotate = detector.from_pretrained()
    image = Image.fromarray(smooth(0))
    for value, kind in ((False, np.ndarray), (True, Image.Image)):
        with pytest.warns(DeprecationWarning, match="return_pil is deprecated"):
            assert isinstance(annotate(image, return_pil=value, output_type="pil"), kind)
    with pytest.warns(DeprecationWarning, match="return_pil"):
        assert isinstance(annotate(np.asarray(image), return_pil=True), Image.Image)


def test_a_page_without_a_size_is_one_line(tmp_path, capsys):
    path = tmp_path / "pages.tif"
    page = Image.fromarray(smooth(0))
    page.save(path, save_all=True, append_images=[page])
    content = bytearray(path.read_bytes())
    first = int.from_bytes(content[4:8], "little")
    after = first + 2 + 12 * int.from_bytes(content[first : first + 2], "little")
    second = int.from_bytes(content[after : after + 4], "little")
    assert content[second + 2 : second + 4] == (256).to_bytes(2, "little")  # the tag of the width
    content[second + 2 : second + 4] = (253).to_bytes(2, "little")
    path.write_bytes(content)
    assert main([str(path), "-o", str(tmp_path / "map.png"), *SMALL]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"{path}: expected an image, but it can't be decoded" in message
