import logging
import warnings

from signdiff_slp.recipes.messages import hide_environment, hiding_own_deprecation

OWN = "`hg_exporter` is deprecated and will be removed in v0.9. Use `fairseq2.models.hg.HuggingFaceConverter` instead."


def test_one_deprecation_is_hidden_and_no_more():
    with warnings.catch_warnings(record=True) as caught:
        with hiding_own_deprecation():
            warnings.filterwarnings("always")  # as fairseq2's command does, after what was set before
            warnings.warn(OWN, DeprecationWarning, stacklevel=1)
            warnings.warn("`other` is deprecated", DeprecationWarning, stacklevel=1)
            warnings.warn(OWN, UserWarning, stacklevel=1)
        warnings.warn(OWN, DeprecationWarning, stacklevel=1)
    shown = [(each.category, str(each.message)) for each in caught]
    assert shown == [(DeprecationWarning, "`other` is deprecated"), (UserWarning, OWN), (DeprecationWarning, OWN)]


def test_the_environment_stays_out_of_the_log(caplog):
    hide_environment()
    hide_environment()
    logger = logging.getLogger("fairseq2")
    with caplog.at_level(logging.INFO, logger="fairseq2"):
        logger.info("Environment Variables - SECRET=1")
        logger.info("Config: {}")
    assert [record.getMessage() for record in caplog.records] == ["Config: {}"]
