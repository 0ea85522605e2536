"""Pictures in files."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("diffusers")

from signdiff_core.diffusion.images import read_picture
from signdiff_core.diffusion.renderer import DiffusionRenderer

PICTURE = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.webp", "a.gif", "a.ppm"])
def test_a_picture_of_any_format_is_what_opencv_reads(tmp_path, name):
    options = {"lossless": True} if name == "a.webp" else {}
    Image.fromarray(PICTURE).save(tmp_path / name, **options)
    expected = PICTURE if name == "a.gif" else cv2.imread(str(tmp_path / name))[..., ::-1]
    assert np.abs(read_picture(tmp_path / name).astype(int) - expected).max() <= (32 if name == "a.gif" else 0)


def test_it_is_the_right_way_up(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(PICTURE).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png"), np.rot90(PICTURE, -1))


def cut_off(path):
    Image.fromarray(PICTURE.repeat(20, 0)).save(path)
    path.write_bytes(path.read_bytes()[:-30])


def huge(path):
    """Some bytes that announce 2,000,000,000 pixels."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 50_000, 40_000, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b""))
    content = [len(d).to_bytes(4) + k + d + zlib.crc32(k + d).to_bytes(4) for k, d in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(content))


def large(path):
    Image.new("1", (9000, 8000)).save(path)


def moving(path):
    Image.fromarray(PICTURE).save(path, save_all=True, append_images=[Image.fromarray(PICTURE[::-1])])


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b"no picture"), "its content is of no known format"),
        (cut_off, "image file is truncated"),
        (huge, "exceeds limit"),
        (large, "it has 9000x8000 pixels, more than 67108864"),
        (moving, "it holds 2"),
        (lambda path: cv2.imwrite(str(path), np.full((4, 4), 40_000, np.uint16)), "it has more than 8 bits a channel"),
        (lambda path: cv2.imwrite(str(path), np.full((4, 4, 3), 9, np.uint16)), "it has more than 8 bits a channel"),
    ],
)
def test_what_is_no_picture_is_one_line_with_its_name(tmp_path, write, reason):
    path = tmp_path / "signer.png"
    write(path)
    with pytest.raises(ValueError, match=f"signer.png: expected a picture, but .*{reason}") as caught:
        read_picture(path)
    assert str(caught.value).isprintable()
    with pytest.raises(ValueError, match=r"signer\.png: expected a picture"):
        DiffusionRenderer(anchor=path)


def test_a_file_that_is_not_there_is_named_by_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        read_picture(tmp_path / "a.png")


def test_a_page_is_never_left_out_silently(tmp_path):
    pages = [Image.fromarray(PICTURE), Image.fromarray(PICTURE[::-1])]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match=r"two\.tif: expected a picture, but it holds 2\."):
        read_picture(tmp_path / "two.tif")
    pages[0].save(tmp_path / "one.tif")
    assert np.array_equal(read_picture(tmp_path / "one.tif"), PICTURE)
