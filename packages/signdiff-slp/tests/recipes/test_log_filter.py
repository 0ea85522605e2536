import logging

from signdiff_slp.recipes.messages import hide_environment


def test_the_environment_stays_out_of_the_log(caplog):
    hide_environment()
    hide_environment()
    logger = logging.getLogger("fairseq2")
    with caplog.at_level(logging.INFO, logger="fairseq2"):
        logger.info("Environment Variables - SECRET=1")
        logger.info("Config: {}")
    assert [record.getMessage() for record in caplog.records] == ["Config: {}"]
