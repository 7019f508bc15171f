"""Forward pass, export and a short training run on the CPU; skipped without PyTorch."""

import importlib.util
import tempfile
import unittest
from pathlib import Path

from trainer.__main__ import CHECKPOINT
from trainer.plan import Plan

if importlib.util.find_spec("torch") is None:
    raise unittest.SkipTest("PyTorch is not installed")

import torch

from trainer.export import export, read_checkpoint
from trainer.feeder import IGNORED, BatchShape, batches
from trainer.model.config import ModelConfig
from trainer.model.network import Network
from trainer.model.parameters import first_values
from trainer.optimizer import orthogonalized, schedule
from trainer.tokenizer import BEGIN_ID, END_ID, Tokenizer
from trainer.train import train

SMALL = ModelConfig(
    width=64,
    layers=3,
    heads=2,
    query_rank=32,
    key_value_rank=32,
    plain_dims=16,
    rotary_dims=16,
    value_dims=16,
    dense_width=128,
    expert_width=32,
)


class Feeding(unittest.TestCase):
    def test_batches_hold_whole_documents(self):
        tokenizer = Tokenizer(CHECKPOINT / "tokenizer.json")
        stream = batches(1, tokenizer, BatchShape(2048, 16, 600))
        for _ in range(3):
            batch = next(stream)
            self.assertGreater(batch.documents, 0)
            self.assertEqual(len(batch.tokens), 2048)
            for start, end in zip(batch.starts[: batch.documents], batch.starts[1:]):
                self.assertEqual(batch.tokens[start], BEGIN_ID)
                self.assertEqual(batch.tokens[end - 1], END_ID)
                self.assertEqual(list(batch.positions[start:end]), list(range(end - start)))
                self.assertEqual(batch.classes[end - 1], IGNORED)
            self.assertEqual(batch.starts[-1], 2048)


class Model(unittest.TestCase):
    def test_documents_do_not_see_each_other(self):
        parameters = first_values(SMALL, 1)
        network = Network(SMALL, parameters, torch.zeros(2, 16), torch.float32, 64, False)
        first = torch.randint(3, 1500, (20,))
        second = torch.randint(3, 1500, (30,))
        both = torch.cat((first, second))
        positions = torch.cat((torch.arange(20), torch.arange(30)))
        with torch.no_grad():
            packed, _ = network.hidden(both, positions, torch.tensor([0, 20, 50]))
            alone, _ = network.hidden(second, torch.arange(30), torch.tensor([0, 30]))
        self.assertLess((packed[20:] - alone).abs().max().item(), 1e-5)

    def test_each_token_takes_four_experts_of_two_groups(self):
        parameters = first_values(SMALL, 1)
        network = Network(SMALL, parameters, torch.zeros(2, 16), torch.float32, 64, False)
        hidden = torch.randn(40, SMALL.width)
        weights, chosen = network._route(hidden, parameters["router"][0], torch.randn(16))
        self.assertTrue((chosen.sum(-1) == 4).all())
        self.assertTrue(((chosen.view(40, 4, 4).sum(-1) > 0).sum(-1) <= 2).all())
        self.assertLess((weights.sum(-1) - SMALL.routed_scaling).abs().max().item(), 1e-5)

    def test_export_of_the_shipped_weights_gives_the_shipped_file(self):
        parameters, bias = read_checkpoint(CHECKPOINT, ModelConfig())
        with tempfile.TemporaryDirectory() as directory:
            export(ModelConfig(), parameters, bias, CHECKPOINT, Path(directory))
            for name in ("model.safetensors", "config.json", "generation_config.json"):
                made = (Path(directory) / "bf16" / name).read_bytes()
                self.assertEqual(made, (CHECKPOINT / name).read_bytes(), name)


class Training(unittest.TestCase):
    def test_loss_falls(self):
        plan = Plan(
            steps=20,
            processes=1,
            batch_tokens=1024,
            batch_documents=32,
            longest_document=512,
            warm_up=4,
        )
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory)
            lines = train(SMALL, plan, CHECKPOINT / "tokenizer.json", out, "cpu", 5)
            state = torch.load(out / "final.pt", weights_only=True)
        self.assertEqual(state["steps"], 20)
        losses = [line["loss"] for line in lines]
        self.assertEqual(len(losses), 4)
        self.assertLess(losses[0], 8.0)
        self.assertLess(losses[-1], losses[0] - 1.0)

    def test_schedule_rises_holds_and_falls_to_zero(self):
        shares = [schedule(step, 1000, 100, 0.25) for step in range(1001)]
        self.assertEqual(shares[99], 1.0)
        self.assertEqual(shares[249], 1.0)
        self.assertAlmostEqual(shares[625], 0.5)
        self.assertEqual(shares[1000], 0.0)

    def test_muon_updates_are_nearly_orthogonal(self):
        singular = torch.linalg.svdvals(orthogonalized(torch.randn(3, 48, 16), torch.float32))
        self.assertGreater(singular.min().item(), 0.3)
        self.assertLess(singular.max().item(), 1.5)


if __name__ == "__main__":
    unittest.main()
