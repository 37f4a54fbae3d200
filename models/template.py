"""What stands before every text and cue: nothing, the tokenizer's chat template, or a file's words.

The same template serves base and tuned; the report names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLACEHOLDER = "{text}"
USER_TURN = "Write the next sentence."
"""The user's turn that precedes an answer under `--template chat`."""


@dataclass(frozen=True, slots=True)
class Template:
    """`kind` is `none`, `chat` or `file`; `words` are what a file puts before the text."""

    kind: str = "none"
    words: str = ""

    @classmethod
    def parse(cls, value: str) -> Template:
        """Reads `--template`: `none`, `chat`, or a file that holds `{text}` at its end."""
        if value in ("none", "chat"):
            return cls(value)
        path = Path(value)
        if not path.is_file():
            raise UsageError(f"--template {value}: no such file; give none, chat, or a text file that ends in {{text}}")
        try:
            words = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--template {value}: is not UTF-8 text; give none, chat or a text file") from error
        before, found, after = words.partition(PLACEHOLDER)
        if not found or after.strip() or not before:
            raise UsageError(f"--template {value}: the file must hold words and then end in {{text}}")
        return cls("file", before)

    def prefix(self, tokenizer: PreTrainedTokenizerBase) -> str:
        """The string that stands before a text; empty for plain text, where special tokens are the tokenizer's own."""
        if self.kind == "chat":
            if not tokenizer.chat_template:
                raise UsageError(f"--template chat: the tokenizer of {tokenizer.name_or_path} has no chat template")
            turn = [{"role": "user", "content": USER_TURN}]
            return str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
        if not self.words:
            return ""
        # Whether the tokenizer puts a beginning-of-sequence token before plain text is seen in what it does.
        begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        return (tokenizer.bos_token if begins else "") + self.words

    @property
    def label(self) -> str:
        return {"none": "plain text", "chat": "chat template, assistant's turn"}.get(self.kind, "template file")


PLAIN = Template()
