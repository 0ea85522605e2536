"""What every training script of SignDiff is made of; those of signdiff-frnet and signdiff-eval use it, too.

It needs torch, accelerate, transformers, huggingface_hub and tqdm; ``arguments`` loads none of them.
"""
