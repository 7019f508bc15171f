"""The tokenizer, against the shipped vocabulary and a small learned one."""

import tempfile
import unittest
from pathlib import Path

from trainer import tokenizer
from trainer.__main__ import CHECKPOINT
from trainer.documents import document
from trainer.draw import Draw


def texts(count: int) -> list[str]:
    draw = Draw(11)
    return ["".join(segment.text for segment in document(draw)) for _ in range(count)]


class Shipped(unittest.TestCase):
    def setUp(self):
        self.tokenizer = tokenizer.Tokenizer(CHECKPOINT / "tokenizer.json")

    def test_decoding_gives_the_text_back(self):
        for text in texts(200):
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_special_tokens_and_digits(self):
        self.assertEqual(self.tokenizer.encode("<think>"), [1534])
        self.assertEqual(len(self.tokenizer.encode("12345")), 5)
        self.assertEqual(self.tokenizer.encode("<｜begin▁of▁sentence｜>"), [tokenizer.BEGIN_ID])


class Learned(unittest.TestCase):
    def test_learned_vocabulary_encodes_what_it_was_learned_from(self):
        made = texts(100)
        vocabulary, merges = tokenizer.learn(made, 600)
        self.assertEqual(len(vocabulary), 600)
        with tempfile.TemporaryDirectory() as directory:
            tokenizer.write(Path(directory), vocabulary, merges, frame=CHECKPOINT)
            learned = tokenizer.Tokenizer(Path(directory) / "tokenizer.json")
        self.assertEqual(learned.encode("</think>"), [599])
        lengths = 0
        for text in made:
            ids = learned.encode(text)
            self.assertEqual(learned.decode(ids), text)
            lengths += len(ids)
        self.assertLess(lengths, 0.7 * sum(map(len, made)))

    def test_most_frequent_pair_is_merged_first(self):
        _, merges = tokenizer.learn(["abab abab xy"], 265)
        self.assertEqual(merges, [("a", "b"), ("ab", "ab")])


if __name__ == "__main__":
    unittest.main()
