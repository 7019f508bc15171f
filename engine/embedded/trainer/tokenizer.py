"""Byte-level BPE with DeepSeek-V3's pre-tokenizer; digits never merge.

Pure Python, for the ASCII text that the generators make and the special tokens. Checkpoints
are read with any tokenizer library.
"""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

HEAD_TOKENS = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"]
TAIL_TOKENS = ["<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"]
BEGIN_ID, END_ID, PAD_ID = 0, 1, 2

_SIGNS = r"!-/:-@\[-`{-~"
_DIGITS = re.compile(r"([0-9]{1,3})")
_PIECES = re.compile(
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
    rf"|[^\r\nA-Za-z{_SIGNS}]?[A-Za-z]+"
    rf"| ?[{_SIGNS}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPECIAL = re.compile("(" + "|".join(map(re.escape, HEAD_TOKENS + TAIL_TOKENS)) + ")")
_CACHED_SPANS = 300_000


def _byte_characters() -> dict[int, str]:
    """GPT-2's printable character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable}
    return table | {byte: chr(256 + i) for i, byte in enumerate(others)}


_CHARACTERS = _byte_characters()
_BYTES = {character: byte for byte, character in _CHARACTERS.items()}


def _spelled(text: str) -> str:
    return "".join(_CHARACTERS[byte] for byte in text.encode())


def _merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """The symbols with every occurrence of the pair joined, from left to right."""
    result = []
    i = 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            result.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            result.append(symbols[i])
            i += 1
    return result


class Tokenizer:
    """Encodes and decodes with the vocabulary of a tokenizer.json."""

    def __init__(self, path: Path):
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
        self._special = {token["content"]: token["id"] for token in stored["added_tokens"]}
        self._ids = stored["model"]["vocab"] | self._special
        self._tokens = {number: token for token, number in self._ids.items()}
        merges = stored["model"]["merges"]
        self._ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self._spans: dict[str, list[int]] = {}
        self._pieces: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Ids of the text, special tokens in it included; no BOS is added."""
        ids = []
        for part in _SPECIAL.split(text) if "<" in text else [text]:
            if part in self._special:
                ids.append(self._special[part])
                continue
            for span in _DIGITS.split(part):
                ids += self._encode_span(span)
        return ids

    def decode(self, ids) -> str:
        """The text of the ids, special tokens included."""
        spelled = b""
        for number in ids:
            token = self._tokens[number]
            if token in self._special:
                spelled += token.encode()
            else:
                spelled += bytes(_BYTES[character] for character in token)
        return spelled.decode("utf-8", "replace")

    def _encode_span(self, span: str) -> list[int]:
        if span[:1].isdigit():
            return [self._ids[digit] for digit in span]
        ids = self._spans.get(span)
        if ids is None:
            ids = []
            for piece in _PIECES.findall(span):
                if piece not in self._pieces:
                    self._pieces[piece] = self._encode_piece(piece)
                ids += self._pieces[piece]
            if len(self._spans) < _CACHED_SPANS:
                self._spans[span] = ids
        return ids

    def _encode_piece(self, piece: str) -> list[int]:
        symbols = list(_spelled(piece))
        while len(symbols) > 1:
            pairs = zip(symbols, symbols[1:])
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            symbols = _merged(symbols, best)
        return [self._ids[symbol] for symbol in symbols]


def learn(texts, size: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Vocabulary in the order of the ids, and merges, from the pieces of the texts.

    The most frequent pair is merged first; of equally frequent ones the last in order.
    """
    counts = Counter()
    for text in texts:
        for part in _SPECIAL.split(text)[::2]:
            for span in _DIGITS.split(part)[::2]:
                counts.update(_PIECES.findall(span))
    vocabulary = HEAD_TOKENS + sorted(_CHARACTERS.values())
    known = set(vocabulary)
    wanted = size - len(vocabulary) - len(TAIL_TOKENS)
    merges = []
    pairs = _PairCounts(counts)
    while len(merges) < wanted:
        pair = pairs.most_frequent()
        if pair is None:
            break
        merges.append(pair)
        if "".join(pair) not in known:
            known.add("".join(pair))
            vocabulary.append("".join(pair))
        pairs.merge(pair)
    return vocabulary + TAIL_TOKENS, merges


class _PairCounts:
    """How often each pair of neighboring symbols occurs, kept up to date over merges."""

    def __init__(self, piece_counts: Counter):
        self._words = [(list(_spelled(piece)), count) for piece, count in piece_counts.items()]
        self._counts = Counter()
        self._places = defaultdict(set)
        for i in range(len(self._words)):
            self._add(i, 1)

    def most_frequent(self) -> tuple[str, str] | None:
        if not self._counts:
            return None
        pair, count = max(self._counts.items(), key=lambda item: (item[1], item[0]))
        return pair if count > 0 else None

    def merge(self, pair: tuple[str, str]) -> None:
        for i in list(self._places[pair]):
            self._add(i, -1)
            symbols, count = self._words[i]
            self._words[i] = (_merged(symbols, pair), count)
            self._add(i, 1)
        del self._counts[pair]

    def _add(self, index: int, sign: int) -> None:
        symbols, count = self._words[index]
        for pair in zip(symbols, symbols[1:]):
            self._counts[pair] += sign * count
            self._places[pair].add(index)


def write(directory: Path, vocabulary: list[str], merges, frame: Path) -> None:
    """Writes tokenizer.json and tokenizer_config.json.

    All but vocabulary, merges and added tokens comes from the files in `frame`: pre-tokenizer,
    decoder, chat template.
    """
    stored = json.loads((frame / "tokenizer.json").read_text(encoding="utf-8"))
    tail = len(vocabulary) - len(TAIL_TOKENS)
    stored["added_tokens"] = [_added(i, each, True) for i, each in enumerate(HEAD_TOKENS)]
    stored["added_tokens"] += [_added(tail + i, each, False) for i, each in enumerate(TAIL_TOKENS)]
    stored["model"]["vocab"] = {token: i for i, token in enumerate(vocabulary[:tail])}
    stored["model"]["merges"] = [" ".join(merge) for merge in merges]
    settings = json.loads((frame / "tokenizer_config.json").read_text(encoding="utf-8"))
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in (("tokenizer.json", stored), ("tokenizer_config.json", settings)):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (directory / name).write_text(text, encoding="utf-8")


def _added(number: int, content: str, special: bool) -> dict:
    return {
        "id": number,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": not special,
        "special": special,
    }
