"""How a tag is spelled in a prompt and in a label file, and which tags no prompt can hold. Used by ``bench.plan``."""

from __future__ import annotations

import re

# fmt: off
UNDERSCORE_FACES = frozenset((
    "0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3",
    "6_9", ">_o", "@_@", "^_^", "o_o", "u_u", "x_x", "|_|", "||_||",
))
# fmt: on
"""Emoticon tags whose underscore is part of the drawing. Source: the label files of the WD taggers."""

_ESCAPED = re.compile(r"\\([()\[\]\\])")
_SPECIAL = re.compile(r"([()\[\]\\])")
_TRAILING_WEIGHT = re.compile(r":\s*[-+]?(?:\d+\.?|\d*\.\d+)\s*$")
"""What A1111 takes for an AND weight at the end of a prompt (modules/prompt_parser.py:206 in 1.10.1)."""
_NETWORK = re.compile(r"<[^<>:]+:[^<>]*>")
_COMPOSITION = re.compile(r"\b(AND|BREAK)\b")


def prompt_form(tag: str, escape: bool = True) -> str:
    r"""The tag as a prompt spells it: spaces, and brackets and backslashes escaped where ``escape`` is set.

    >>> prompt_form("ganyu_(genshin_impact)")
    'ganyu \\(genshin impact\\)'
    >>> prompt_form("(o)_(o)")
    '\\(o\\)_\\(o\\)'
    >>> prompt_form(">:(", escape=False)
    '>:('
    """
    plain = _ESCAPED.sub(r"\1", tag.strip())
    spaced = plain if plain.lower() in UNDERSCORE_FACES else plain.replace("_", " ")
    return _SPECIAL.sub(r"\\\1", spaced) if escape else spaced


def fill(template: str, tag_text: str) -> str:
    """The template with the tag in it. A tag that would end the prompt as a weight (``:3``) gets a comma after it.

    >>> fill("1girl, {tag}", ":3")
    '1girl, :3,'
    """
    prompt = template.replace("{tag}", tag_text)
    ends_in_tag = template.rstrip().endswith("{tag}")
    return prompt + "," if ends_in_tag and _TRAILING_WEIGHT.search(prompt) else prompt


def problem(tag: str) -> str:
    """Why this tag cannot be tested as a tag, as half a sentence; empty when it can.

    >>> problem("<lora:x:1>")
    'it is a network, not a tag'
    """
    if not tag.strip():
        return "it is empty"
    if _NETWORK.search(tag):
        return "it is a network, not a tag"
    if _COMPOSITION.search(tag):
        return "it holds AND or BREAK, which divides the prompt"
    if "," in tag or "\n" in tag:
        return "it holds a comma or line break, so it is several tags"
    if tag.lstrip().startswith("#"):
        return "it starts with #, which the WebUI takes for a comment"
    return ""


def networks(prompt: str) -> tuple[str, ...]:
    """The ``<kind:name:…>`` parts of a prompt, sorted; prompts may share a batch only where these are equal."""
    return tuple(sorted(_NETWORK.findall(prompt)))
