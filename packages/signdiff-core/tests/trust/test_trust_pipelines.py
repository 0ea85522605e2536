"""Any content of ``model_index.json`` gives the one error, or none; what real folders give is tested with diffusers."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_core.trust import ModelFolderError, check_pipeline_folder

texts = st.text(max_size=8) | st.sampled_from(["diffusers", "unet", "_class_name", "..", "UNet2DConditionModel"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pipeline")


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=100) | values.map(lambda value: json.dumps(value).encode()))
def test_random_indices_give_the_one_error(folder, content):
    (folder / "model_index.json").write_bytes(content)
    with contextlib.suppress(ModelFolderError):
        check_pipeline_folder(folder)


@settings(max_examples=150, deadline=None)
@given(name=texts, library=texts, kind=texts)
def test_random_parts_give_the_one_error(folder, name, library, kind):
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "SignDiffPipeline", name: [library, kind]}))
    with pytest.raises(ModelFolderError):  # at the latest because there is no folder for it
        check_pipeline_folder(folder)
