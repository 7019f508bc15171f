"""The generators still make what the shipped checkpoint was trained and scored on."""

import hashlib
import json
import os
import unittest
from pathlib import Path

from trainer import documents, heldout, mmlu
from trainer.draw import Draw
from trainer.mixed import StressRows, mixed

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
SHARED = os.environ.get("MOEBIUS_SHARED")


def digest(rows) -> str:
    """sha256 over the rows as lines of JSON."""
    hashed = hashlib.sha256()
    for row in rows:
        hashed.update(heldout.line(row).encode())
    return hashed.hexdigest()


class TrainingDocuments(unittest.TestCase):
    def test_first_documents_of_each_kind_are_the_recorded_ones(self):
        for kind, _ in documents.KINDS:
            draw = Draw(1)
            made = digest(kind(draw) for _ in range(300))
            self.assertEqual(made, RECORDED["documents"][kind.__name__], kind.__name__)

    def test_mixture_is_the_recorded_one(self):
        draw = Draw(1)
        made = digest(documents.document(draw) for _ in range(300))
        self.assertEqual(made, RECORDED["documents"]["mixture"])


class HeldOutRows(unittest.TestCase):
    def test_stress_rows_are_the_recorded_ones(self):
        # Worked examples from another stream: only prompt_5shot differs from the files.
        draw = Draw(1)
        questions = [mmlu.question(draw, subject=each) for each, _ in mmlu.SUBJECTS]
        stress = StressRows([asked.row() for asked in questions])
        for suite in ("mmlu", "math", "aime", "humaneval", "lcb"):
            made = digest(getattr(stress, suite)())
            self.assertEqual(made, RECORDED["stress"][suite], suite)

    @unittest.skipUnless(SHARED, "MOEBIUS_SHARED is not set: about half a minute is saved")
    def test_all_files_are_the_recorded_ones(self):
        core = list(heldout.core())
        for folder, files in (("heldout", core), ("heldout_mixed", mixed(core))):
            for name, rows in files:
                path = Path(SHARED) / "tiny_model" / folder / f"{name}.jsonl"
                made = [heldout.line(row) for row in rows]
                wanted = path.read_text(encoding="utf-8").splitlines(keepends=True)
                self.assertEqual(len(made), len(wanted), path)
                for number, (got, want) in enumerate(zip(made, wanted), 1):
                    self.assertEqual(got, want, f"{path}:{number}")
                self.assertEqual(digest(rows), RECORDED[folder][name])


if __name__ == "__main__":
    unittest.main()
