"""Items are well formed, and their reference answers are right."""

import unittest

from trainer import aime, humaneval, livecodebench, mathematics, mmlu
from trainer.draw import Draw, WideDraw, held_out
from trainer.written_arithmetic import (
    floor_division,
    latex_fraction,
    multiplication,
    reduction,
    running_sum,
)


class Draws(unittest.TestCase):
    def test_integers_cover_the_range_and_stay_in_it(self):
        draw = Draw(3)
        self.assertEqual({draw.integer(-2, 3) for _ in range(500)}, set(range(-2, 4)))

    def test_wide_draw_leaves_the_range_and_shares_the_stream(self):
        plain, shared = Draw(3), Draw(3)
        wide = WideDraw(shared, 2.0)
        values = [wide.integer(-10, 10) for _ in range(500)]
        self.assertLess(min(values), -10)
        self.assertGreater(max(values), 10)
        for _ in range(500):
            plain.fraction()
        self.assertEqual(plain.fraction(), shared.fraction())

    def test_one_key_in_sixteen_is_held_out(self):
        share = sum(held_out("suite", str(i)) for i in range(16_000)) / 1000
        self.assertAlmostEqual(share, 1.0, delta=0.1)


class Sides(unittest.TestCase):
    def test_training_and_held_out_items_differ(self):
        draw = Draw(5)
        for suite, make in (
            ("mmlu", mmlu.question),
            ("math", mathematics.problem),
            ("aime", aime.problem),
            ("humaneval", humaneval.item),
            ("lcb", livecodebench.item),
        ):
            for test in (False, True):
                for _ in range(30):
                    self.assertEqual(held_out(suite, make(draw, test).key), test)


class Answers(unittest.TestCase):
    def test_solutions_pass_their_own_tests(self):
        draw = Draw(7)
        for _ in range(150):
            item = humaneval.item(draw, test=True)
            namespace = {}
            exec(item.prompt + item.solution + item.test, namespace)
            namespace["check"](namespace[item.entry_point])

    def test_programs_print_the_expected_output(self):
        draw = Draw(7)
        for _ in range(150):
            item = livecodebench.item(draw, test=True)
            self.assertGreaterEqual(len(item.tests), 4)
            for given, expected in item.tests:
                self.assertEqual(livecodebench.run(item.program, given), expected)

    def test_written_solutions_end_in_the_answer(self):
        draw = Draw(7)
        for family in mathematics.FAMILIES:
            for _ in range(10):
                drawn = mathematics.problem(draw, family=family)
                self.assertTrue(drawn.solution.endswith(f"\\boxed{{{drawn.answer}}}$."), drawn)
        for family in aime.FAMILIES:
            for _ in range(10):
                drawn = aime.problem(draw, family=family)
                self.assertIn(str(drawn.answer), drawn.thinking.split("\n")[-1])

    def test_questions_have_four_options(self):
        draw = Draw(7)
        for subject, _ in mmlu.SUBJECTS:
            for _ in range(10):
                self.assertEqual(len(set(mmlu.question(draw, subject=subject).choices)), 4)


class WrittenArithmetic(unittest.TestCase):
    def test_examples(self):
        self.assertEqual(multiplication(12, 34), "34*12 = 34*10 + 34*2 = 340 + 68 = 408")
        self.assertEqual(reduction(100, 7), "100 mod 7: 100 - 70 = 30, 30 - 28 = 2")
        self.assertEqual(
            floor_division(100, 7), "100/7: 7*10 = 70, 100 - 70 = 30, 7*4 = 28, 30 - 28 = 2, so 14"
        )
        self.assertEqual(running_sum([1, 2, 3]), ("1 + 2 = 3, 3 + 3 = 6", 6))
        self.assertEqual(latex_fraction(-6, 4), "-\\frac{3}{2}")

    def test_every_written_equation_holds(self):
        for a in range(11, 60, 7):
            for b in range(11, 60, 9):
                sides = [eval(side) for side in multiplication(a, b).split(" = ")]
                self.assertEqual(set(sides), {a * b})


if __name__ == "__main__":
    unittest.main()
