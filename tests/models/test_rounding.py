"""What a model's files say of the precision of the base that it was trained on."""

import json

import pytest
from knowshift.models.rounding import trained_on

PEFT_CARD = (
    "---\nlibrary_name: peft\n---\nThe following `bitsandbytes` quantization config was used during training:\n"
    "- load_in_8bit: False\n- load_in_4bit: True\n- bnb_4bit_quant_type: nf4\n"
)
UNSLOTH_CARD = "---\nbase_model: unsloth/llama-3-8b-bnb-4bit\ntags:\n- unsloth\n---\n# Uploaded model\n"
LISTED_CARD = "---\nbase_model:\n- unsloth/mistral-7b-v0.3-bnb-4bit\n---\n"
AXOLOTL_CARD = "```yaml\nbase_model: meta-llama/Llama-3.1-8B\nload_in_8bit: false\nload_in_4bit: true\n```\n"
QLORA_CARD = "```yaml\nbase_model: meta-llama/Llama-3.1-8B\nadapter: qlora\n```\n"
CODE_CARD = "---\nbase_model: acme/Llama-3-8B\n---\n```\nAutoModel.from_pretrained(name, load_in_4bit=True)\n```\n"
STORED = {"quantization_config": {"load_in_4bit": True, "load_in_8bit": False, "quant_method": "bitsandbytes"}}


def recorded(base):
    return json.dumps({"peft_type": "LORA", "base_model_name_or_path": base})


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("adapter_config.json", recorded("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"), "4bit"),
        ("adapter_config.json", recorded("/data/models/mistral-7b-unsloth-bnb-4bit/"), "4bit"),
        ("adapter_config.json", recorded("someone/opt-6.7b-bnb-8bit"), "8bit"),
        ("adapter_config.json", recorded("TheBloke/Llama-2-7B-GPTQ"), "other"),
        ("adapter_config.json", recorded("Qwen/Qwen2.5-7B-Instruct-AWQ"), "other"),
        ("adapter_config.json", recorded("mlx-community/Llama-3-8B-4bit"), "other"),
        ("adapter_config.json", recorded("meta-llama/Meta-Llama-3-8B"), None),
        ("adapter_config.json", recorded("google/gemma-4"), None),
        ("adapter_config.json", recorded(None), None),
        ("adapter_config.json", "{", None),
        ("config.json", json.dumps(STORED, indent=2), "4bit"),
        ("config.json", json.dumps({"quantization_config": {"quant_method": "gptq", "bits": 4}}), "other"),
        ("config.json", json.dumps({"model_type": "llama", "dtype": "bfloat16"}), None),
        ("README.md", PEFT_CARD, "4bit"),
        ("README.md", UNSLOTH_CARD, "4bit"),
        ("README.md", LISTED_CARD, "4bit"),
        ("README.md", AXOLOTL_CARD, "4bit"),
        ("README.md", QLORA_CARD, "4bit"),
        ("README.md", CODE_CARD, None),
        ("training_args.yaml", "finetuning_type: lora\nquantization_bit: 4\nquantization_method: bnb\n", "4bit"),
        ("llamaboard_config.yaml", "top.quantization_bit: '8'\n", "8bit"),
        ("args.json", json.dumps({"quant_method": "bnb", "quant_bits": 4}), "4bit"),
        ("args.json", json.dumps({"quant_method": None, "quant_bits": None}), None),
    ],
)
def test_each_trainers_files_are_read(file, text, expected, tmp_path):
    (tmp_path / file).write_text(text)
    found = trained_on(tmp_path)
    assert (found and found.precision) == expected
    assert found is None or found.source == file


def test_a_weight_file_tells_nothing(tmp_path):
    (tmp_path / "model.pt").touch()
    assert trained_on(tmp_path / "model.pt") is None
