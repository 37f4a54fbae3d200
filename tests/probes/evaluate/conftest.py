"""Random models that the suites are run on."""

import pytest
from house import write_adapter
from tiny import make_tokenizer, tiny_model


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A random base with room to read, two adapters and a full model of its own tokenizer."""
    place = tmp_path_factory.mktemp("models")
    for name, family, seed in (("base", "metaspace_prefix", 0), ("whole", "byte_bpe", 1)):
        tokenizer = make_tokenizer(family)
        model = tiny_model("llama", vocab_size=len(tokenizer), seed=seed, max_position_embeddings=512)
        model.save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    base = tiny_model("llama", vocab_size=len(make_tokenizer("metaspace_prefix")), max_position_embeddings=512)
    for name, seed in (("neuro_lora", 2), ("cardio_lora", 3)):
        write_adapter(place / name, base, seed)
        base = tiny_model("llama", vocab_size=len(make_tokenizer("metaspace_prefix")), max_position_embeddings=512)
    return place
