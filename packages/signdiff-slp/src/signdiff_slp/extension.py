"""Makes this package's families known to fairseq2, which finds it by its entry point ``fairseq2.extension``."""

from __future__ import annotations

from fairseq2.composition import (
    register_dataset_family,
    register_model_family,
    register_package_assets,
    register_tokenizer_family,
)
from fairseq2.runtime.dependency import DependencyContainer

from signdiff_slp.datasets.text_pose import TEXT_POSE_FAMILY, TextPoseConfig, TextPoseDataset, open_text_pose_dataset
from signdiff_slp.models.progressive import (
    PROGRESSIVE_FAMILY,
    ProgressiveConfig,
    ProgressiveTransformer,
    apply_ac,
    apply_fsdp,
    convert_state_dict,
    create_model,
    register_configs,
)
from signdiff_slp.tokenizers import (
    CHARACTER_FAMILY,
    GLOSS_FAMILY,
    SENTENCEPIECE_FAMILY,
    WORD_FAMILY,
    CharacterTokenizer,
    CharacterTokenizerConfig,
    GlossTokenizerConfig,
    SentencePieceTokenizer,
    SentencePieceTokenizerConfig,
    WordTokenizer,
    WordTokenizerConfig,
    load_character_tokenizer,
    load_sentencepiece_tokenizer,
    load_word_tokenizer,
)


def setup_fairseq2_extension(container: DependencyContainer) -> None:
    """Register the model, tokenizer and dataset families, and the asset cards."""
    register_model_family(
        container,
        PROGRESSIVE_FAMILY,
        kls=ProgressiveTransformer,
        config_kls=ProgressiveConfig,
        factory=create_model,
        state_dict_converter=convert_state_dict,
        fsdp_applier=apply_fsdp,
        layerwise_ac_applier=apply_ac,
    )
    register_configs(container)
    register_tokenizer_family(
        container,
        CHARACTER_FAMILY,
        kls=CharacterTokenizer,
        config_kls=CharacterTokenizerConfig,
        loader=load_character_tokenizer,
    )
    register_tokenizer_family(
        container, WORD_FAMILY, kls=WordTokenizer, config_kls=WordTokenizerConfig, loader=load_word_tokenizer
    )
    register_tokenizer_family(
        container, GLOSS_FAMILY, kls=WordTokenizer, config_kls=GlossTokenizerConfig, loader=load_word_tokenizer
    )
    register_tokenizer_family(
        container,
        SENTENCEPIECE_FAMILY,
        kls=SentencePieceTokenizer,
        config_kls=SentencePieceTokenizerConfig,
        loader=load_sentencepiece_tokenizer,
    )
    register_dataset_family(container, TEXT_POSE_FAMILY, TextPoseDataset, TextPoseConfig, opener=open_text_pose_dataset)
    register_package_assets(container, "signdiff_slp.cards")
