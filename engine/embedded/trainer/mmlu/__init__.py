"""Multiple-choice questions with four options, in the form of MMLU."""

from trainer.draw import Draw, held_out
from trainer.mmlu import arithmetic, computing, knowledge, language, numbers, reasoning
from trainer.mmlu.question import AmbiguousOptions, Question

# (generator, weight of its questions among training documents); each generator names its subject.
SUBJECTS = [
    (arithmetic.elementary_arithmetic, 2.4),
    (numbers.number_comparison, 1.0),
    (knowledge.world_capitals, 0.9),
    (knowledge.chemical_elements, 1.2),
    (language.parts_of_speech, 0.8),
    (numbers.number_sequences, 1.0),
    (language.vocabulary, 0.8),
    (reasoning.calendar_and_time, 1.3),
    (numbers.unit_conversion, 0.8),
    (numbers.geometry, 1.2),
    (computing.computer_science, 1.5),
    (reasoning.logical_reasoning, 1.0),
    (language.classification, 0.9),
    (language.letters_and_words, 1.0),
    (numbers.number_theory, 1.2),
    (arithmetic.fractions_and_percent, 1.0),
    (arithmetic.word_problems, 1.0),
    (reasoning.reading_comprehension, 0.7),
    (knowledge.continents, 0.6),
    (knowledge.history, 0.8),
    (knowledge.literature, 0.7),
    (knowledge.anatomy, 0.5),
    (knowledge.physics_units, 0.6),
    (language.spanish, 0.7),
    (language.french, 0.7),
    (knowledge.astronomy, 0.4),
    (computing.python_output, 1.3),
]


def question(draw: Draw, test: bool = False, subject=None) -> Question:
    """A question of the training side (or the held-out side), of any subject if none is given."""
    generator = subject or draw.weighted(*zip(*SUBJECTS))
    while True:
        try:
            candidate = generator(draw)
        except AmbiguousOptions:
            continue
        if held_out("mmlu", candidate.key) == test:
            return candidate
