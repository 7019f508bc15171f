#!/usr/bin/env python3
"""Renders conversations with the published chat templates; writes engine/text/testdata/chat_cases.json.

    chat_cases.py SOURCES.json > engine/text/testdata/chat_cases.json

SOURCES.json: a list of {"name", "source", "bos", "eos"}: the chat_template, bos_token and eos_token
of a tokenizer_config.json. The sources themselves are not kept here, only their hashes. Jinja is set up
as in transformers 5.17, utils/chat_template_utils.py. Each source is also rendered with its escaped
and raw line breaks exchanged (configurations are published in both spellings); where that changes
nothing, the other spelling's hash is listed too. Needs the Python package jinja2.
"""
import hashlib
import json
import sys

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

S, U, A, T = "system", "user", "assistant", "tool"
THINKING = "<think>\nfirst 2 and 2\n\nthen 4\n</think>\n\nThe answer is 4."
CONVERSATIONS = [
    [(U, "Hello")],
    [(S, "Be brief."), (U, "Hello")],
    [(S, "  Be brief.\n"), (U, "  Hello \n\n")],
    [(U, "Hello"), (A, "Hi!"), (U, "How are you?")],
    [(S, "Be brief."), (U, "Hello"), (A, "Hi!"), (U, "How are you?"), (A, "Fine."), (U, "Good.")],
    [(U, "Hello"), (A, "Hi!")],
    [(S, "Be brief."), (U, "2+2?"), (A, "4")],
    [(S, "One."), (S, "Two."), (U, "Hello")],
    [(S, "One."), (S, "Two."), (S, "Three."), (U, "Hello"), (A, "Hi!"), (U, "More")],
    [(U, "Hello"), (S, "Be brief from now on."), (U, "Go on")],
    [(S, "One."), (U, "Hello"), (S, "Two."), (A, "Hi!"), (S, "Three.")],
    [(S, "Only a system message.")],
    [(S, "")],
    [(S, ""), (U, "Hello")],
    [(U, "")],
    [(U, ""), (A, ""), (U, "")],
    [(U, "one"), (U, "two"), (U, "three")],
    [(U, "Hello"), (A, "Hi"), (A, " there"), (U, "?")],
    [(A, "I begin.")],
    [(A, "I begin."), (U, "And I follow.")],
    [(U, "2+2?"), (A, THINKING), (U, "And 3+3?")],
    [(U, "2+2?"), (A, THINKING)],
    [(S, "Think."), (U, "2+2?"), (A, THINKING), (U, "3+3?"), (A, "<think>\n\n</think>\n\n6"), (U, "4+4?")],
    [(U, "2+2?"), (A, "no opening</think>4")],
    [(U, "2+2?"), (A, "<think>a</think>b</think>c"), (U, "x")],
    [(U, "2+2?"), (A, "<think>a</think>b<think>c</think>d")],
    [(U, "2+2?"), (A, "<think>never closed"), (U, "x")],
    [(U, "q"), (A, "\n\n<think>\n\n x \n\n</think>\n\n\n y \n"), (A, "z</think>"), (A, "</think>")],
    [(U, "q"), (A, "</think>"), (U, "r"), (A, "</think>\n")],
    [(U, "<think>not mine</think> Hello"), (A, "Hi"), (U, "</think>")],
    [(U, "Weather?"), (A, "Let me look."), (T, "12 C, \"rain\""), (A, "It rains.")],
    [(U, "Weather?"), (A, "Let me look."), (T, "12 C"), (T, "wind\n5 m/s\t\u00e9"), (A, "Wind."), (U, "Thanks")],
    [(U, "Weather?"), (T, "12 C")],
    [(T, "first")],
    [(U, "w"), (A, "a"), (T, "1"), (U, "and?"), (A, "<think>t</think>b"), (T, "2"), (A, "<think>u</think>c"), (T, "3")],
    [(U, "<tool_response>\n12 C\n</tool_response>"), (A, "Cold."), (U, "<tool_response>x</tool_response>")],
    [(U, "q"), (A, "<think>r</think>a"), (U, "<tool_response>1</tool_response>"), (A, "<think>s</think>b")],
    [(U, "\u4f60\u597d\uff0c\u4e16\u754c \U0001f680\n\u3000\u0645\u0631\u062d\u0628\u0627\u00a0"), (A, "\u00a0\u2028\x1f\u597d\x1c\u3000"), (U, "\u200b.\u0085")],
    [(U, "Write\n```python\nprint('{{ x }}' + \"{% y %}\")\n```\n"), (A, "\\boxed{4}\r\n"), (U, "'\"\\n")],
    [(U, "<|im_end|> <\uff5cUser\uff5c> <|eot_id|>"), (A, "<\uff5cend\u2581of\u2581sentence\uff5c>"), (U, "x")],
    [("developer", "Be brief."), (U, "Hello")],
    [(U, "Hello"), ("ipython", "[1, 2]"), ("critic", "Hm."), (A, "Hi")],
    [],
]


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def strftime_now(_):
        raise RuntimeError("a template that asks for today's date cannot be a fixture")

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    return env


def render(template, source, messages, prompt):
    tokens = {k + "_token": source[k] for k in ("bos", "eos") if source[k] is not None}
    try:
        return template.render(messages=messages, tools=None, documents=None, add_generation_prompt=prompt, **tokens)
    except jinja2.exceptions.TemplateError:
        return None


def renderings(text, source):
    template = environment().from_string(text)
    conversations = [[{"role": r, "content": c} for r, c in chat] for chat in CONVERSATIONS]
    return [[render(template, source, messages, prompt) for prompt in (True, False)] for messages in conversations]


def main():
    with open(sys.argv[1]) as file:
        sources = json.load(file)
    out = []
    for source in sources:
        text = source["source"]
        spellings, rendered = [], renderings(text, source)
        for other in (text, text.replace("\\n", "\n"), text.replace("'\n", "'\\n").replace("\n'", "\\n'")):
            # Jinja drops one line break at the end of a source, so hashes are those without it.
            digest = hashlib.sha256(other.removesuffix("\n").encode()).hexdigest()
            try:
                same = renderings(other, source) == rendered
            except jinja2.exceptions.TemplateSyntaxError:
                same = False
            if same and digest not in spellings:
                spellings.append(digest)
        out.append({"name": source["name"], "sha256": spellings, "bos": source["bos"], "eos": source["eos"],
                    "rendered": rendered})
    chats = [[{"role": r, "content": c} for r, c in chat] for chat in CONVERSATIONS]
    json.dump({"conversations": chats, "templates": out}, sys.stdout, ensure_ascii=False, indent=0)
    print()


if __name__ == "__main__":
    main()
