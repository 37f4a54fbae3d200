"""What stands before texts and cues, and how `--template` is read."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import UsageError
from knowshift.models.template import PLAIN, Template
from tiny import TOKENIZERS, make_tokenizer

CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def test_plain_text_stands_alone():
    assert Template.parse("none") == PLAIN
    assert all(PLAIN.prefix(make_tokenizer(family)) == "" for family in TOKENIZERS)
    assert PLAIN.label == "plain text"


def test_chat_ends_where_the_assistants_turn_begins():
    tokenizer = copy.deepcopy(make_tokenizer("byte_bpe"))
    tokenizer.chat_template = CHAT
    prefix = Template.parse("chat").prefix(tokenizer)
    assert prefix.startswith("<|user|>\n")
    assert prefix.endswith("\n<|assistant|>\n")


def test_chat_without_a_chat_template_is_refused_by_name():
    with pytest.raises(UsageError, match=r"--template chat: the tokenizer of .* has no chat template"):
        Template("chat").prefix(make_tokenizer("byte_bpe"))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r{}"), min_size=1), st.sampled_from(["", "\n", "  \n"])
)
def test_a_files_words_stand_before_the_text(tmp_path_factory, words, after):
    path = tmp_path_factory.mktemp("t") / "template.txt"
    path.write_text(words + "{text}" + after, encoding="utf-8", newline="")
    template = Template.parse(str(path))
    assert template == Template("file", words)
    assert template.prefix(make_tokenizer("byte_bpe")) == words
    # With a beginning-of-sequence token where plain text has one.
    assert template.prefix(make_tokenizer("metaspace_plain")) == "<s>" + words


@pytest.mark.parametrize("content", [b"no placeholder", b"{text}", b"words {text} more", b""])
def test_a_file_must_end_in_text(tmp_path, content):
    path = tmp_path / "template.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"template\.txt: the file must hold words and then end in \{text\}"):
        Template.parse(str(path))


def test_what_is_no_text_file_is_refused_in_one_line(tmp_path):
    path = tmp_path / "template.bin"
    path.write_bytes(b"\xff\xfe{text}")
    for value in (path, tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError, match="give none, chat") as error:
            Template.parse(str(value))
        assert str(value) in str(error.value)
        assert "\n" not in str(error.value)
