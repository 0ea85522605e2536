import pytest

from signdiff_slp.corpora.pose_corpus import Source, divide, list_beside, list_table


@pytest.fixture
def folder(tmp_path):
    for name in ("b.pose", "a.pose", "sub/c.d.pose", "frames/x_000_keypoints.json", "b.txt", "sub/c.d.txt", "lone.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("two  words\n")
    return tmp_path


def test_texts_beside(folder):
    sources = list_beside(folder)
    assert [(source.name, source.text) for source in sources] == [
        ("a", ""),
        ("b", "two words"),
        ("frames", ""),
        ("sub/c.d", "two words"),
    ]
    assert [path.relative_to(folder).as_posix() for path in sources[3].paths] == ["sub/c.d.pose"]
    assert sources[2].paths == (folder / "frames",)


def test_marks_of_generated_poses_are_no_clips(folder):
    known = list_beside(folder)
    for name in ("a.pose.json", "sub/c.d.pose.json", "frames/generator.json", "generator.json"):
        (folder / name).write_text('{"generator": "us"}')
    assert list_beside(folder) == known


def test_a_table_names_clips_with_or_without_suffix(folder):
    table = folder / "texts.tsv"
    table.write_text("a.pose\tone\ttrain\nsub/c.d\ttwo\tdev\nframes\tthree\ttest\nnone\tfour\ttrain\n")
    sources = list_table(folder, table)
    assert [(source.text, source.split, len(source.paths)) for source in sources] == [
        ("one", "train", 1),
        ("two", "dev", 1),
        ("three", "test", 1),
        ("four", "train", 0),
    ]


def test_no_name_leads_out_of_the_folder(folder, tmp_path_factory):
    inner = folder / "sub"
    (folder / "texts.tsv").write_text("../a\tone\n")
    assert list_table(inner, folder / "texts.tsv")[0].paths == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\n", r"texts\.tsv:1 must hold a name, a text and maybe a split"),
        (b"a\tone\nb\tzw\xf6lf\n", r"texts\.tsv, line 2: expected text in UTF-8, but byte 5 is 0xf6"),
        ("a\tone\n\ttwo\n", r"texts\.tsv:2 must hold a name"),
        ("a\tone\tvalid\n", "must name the split train or dev or test, but names 'valid'"),
        ("a\tone\ttrain\nb\ttwo\n", "must name a split in every line or in none"),
    ],
)
def test_a_table_that_is_wrong(folder, content, message):
    (folder / "texts.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        list_table(folder, folder / "texts.tsv")


def test_marks_and_hidden_files_are_no_data(folder):
    for name in ("._a.pose", ".hidden/c.pose"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"what macOS leaves")
    (folder / "b.txt").write_bytes("zwölf".encode("utf-8-sig"))
    assert [(source.name, source.text) for source in list_beside(folder)][:2] == [("a", ""), ("b", "zwölf")]
    assert len(list_beside(folder)) == 4
    (folder / "texts.tsv").write_bytes("a\tone\n/\ttwo\n".encode("utf-8-sig"))
    assert [(source.name, len(source.paths)) for source in list_table(folder, folder / "texts.tsv")] == [
        ("a", 1),
        ("/", 0),
    ]


def test_texts_that_are_wrong(folder):
    (folder / "b.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"b\.txt:1 must be text in UTF-8, but holds the byte 0xff"):
        list_beside(folder)
    with (folder / "b.txt").open("wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(ValueError, match=r"b\.txt must be at most 1048576 bytes"):
        list_beside(folder)


def test_equal_texts_share_a_split():
    sources = [Source(name=str(number), text=f"text {number % 20}", paths=()) for number in range(100)]
    divided = divide(sources, (0.7, 0.2, 0.1), seed=1)
    assert [source.name for source in divided] == [source.name for source in sources]
    texts = {split: {s.text for s in divided if s.split == split} for split in ("train", "dev", "test")}
    assert {split: len(found) for split, found in texts.items()} == {"train": 14, "dev": 4, "test": 2}
    assert not texts["train"] & texts["dev"] | texts["train"] & texts["test"] | texts["dev"] & texts["test"]
    assert divide(sources, (0.7, 0.2, 0.1), seed=1) == divided
    assert divide(sources, (0.7, 0.2, 0.1), seed=2) != divided


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_fractions_that_are_wrong(fractions):
    with pytest.raises(ValueError, match="must be at least 0 and sum to 1"):
        divide([], fractions)


def test_a_table_that_is_none_or_empty_is_named(folder):
    (folder / "empty.tsv").touch()
    for name, message in (
        ("nothere.tsv", r"table must be a file of names and texts, but .*nothere\.tsv does not exist\."),
        ("sub", r"table must be a file of names and texts, but .*sub is a folder\."),
        ("empty.tsv", r"empty\.tsv must hold a line for each clip, but is empty\."),
    ):
        with pytest.raises((OSError, ValueError), match=message):
            list_table(folder, folder / name)


def test_a_folder_without_poses_is_named(folder):
    (folder / "other").mkdir()
    with pytest.raises(ValueError, match=r"must hold poses with their texts beside them, but .*other holds none"):
        list_beside(folder / "other")
    with pytest.raises(FileNotFoundError, match=r"folder must be one of poses, but .*b\.txt is a file"):
        list_beside(folder / "b.txt")
