"""Words: grammar, meaning, spelling, translation."""

from trainer.draw import Draw
from trainer.mmlu.question import fact_question, make_question, nearby_numbers
from trainer.mmlu.words import (
    ALPHABET,
    ANTONYMS,
    ANTONYM_WORDS,
    CATEGORIES,
    FRENCH,
    PARTS_OF_SPEECH,
    SPANISH,
    SYNONYMS,
    SYNONYM_WORDS,
    WORDS,
)


def parts_of_speech(draw: Draw):
    """Nouns, verbs, adjectives and adverbs."""
    kinds = list(PARTS_OF_SPEECH)
    kind = draw.choose(kinds)
    word = draw.choose(PARTS_OF_SPEECH[kind])
    if draw.chance(0.4):
        phrasing = draw.integer(0, 2)
        question = [
            "What part of speech is the word '%s'?",
            "The word '%s' is",
            "How is the word '%s' classified in grammar?",
        ][phrasing] % word
        with_article = {
            "noun": "a noun",
            "verb": "a verb",
            "adjective": "an adjective",
            "adverb": "an adverb",
        }
        name = (lambda x: with_article[x]) if phrasing == 1 else lambda x: x
        return make_question(
            draw,
            "parts_of_speech",
            question,
            name(kind),
            [name(x) for x in kinds if x != kind],
            f"p{phrasing},{word}",
        )
    phrasing = draw.integer(0, 2)
    article = "an" if kind[0] == "a" else "a"
    question = [
        "Which of these words is %s %s?",
        "Which word is %s %s?",
        "Find the word that is %s %s.",
    ][phrasing] % (article, kind)
    same = draw.chance(0.3)
    other_kinds = [x for x in kinds if x != kind]
    if same:
        other_kind = draw.choose(other_kinds)
        wrong = draw.sample(sorted(set(PARTS_OF_SPEECH[other_kind])), 3)
    else:
        wrong = [draw.choose(PARTS_OF_SPEECH[x]) for x in other_kinds]
    return make_question(draw, "parts_of_speech", question, word, wrong, f"w{phrasing},{word}")


def vocabulary(draw: Draw):
    """Synonyms and antonyms."""
    if draw.chance(0.5):
        pairs, words, tag, phrasings = (
            SYNONYMS,
            SYNONYM_WORDS,
            "s",
            [
                "Which word means the same as '%s'?",
                "Which word is a synonym of '%s'?",
                "The word '%s' is closest in meaning to",
            ],
        )
    else:
        pairs, words, tag, phrasings = (
            ANTONYMS,
            ANTONYM_WORDS,
            "a",
            [
                "Which word is the opposite of '%s'?",
                "Which word is an antonym of '%s'?",
                "What is the opposite of '%s'?",
            ],
        )
    pair = draw.choose(pairs)
    a, b = pair if draw.chance(0.5) else pair[::-1]
    related = (
        {y for x in pairs if a in x for y in x}
        | {a, b}
        | {y for x in SYNONYMS + ANTONYMS if a in x or b in x for y in x}
    )
    others = draw.sample([word for word in words if word not in related], 3)
    phrasing = draw.integer(0, 2)
    return make_question(
        draw, "vocabulary", phrasings[phrasing] % a, b, others, tag + f"{phrasing},{a},{b}"
    )


def classification(draw: Draw):
    """Which category a thing belongs to."""
    categories = list(CATEGORIES)
    category = draw.choose(categories)
    word = draw.choose(CATEGORIES[category])

    if draw.chance(0.5):
        phrasing = draw.integer(0, 2)
        article = "an" if category[0] in "aeiou" else "a"
        question = [
            "Which of these is %s %s?",
            "Which one is %s %s?",
            "Which of the following is %s %s?",
        ][phrasing] % (article, category)
        other_categories = [x for x in categories if x != category]
        wrong = []
        while len(wrong) < 3:
            x = draw.choose(CATEGORIES[draw.choose(other_categories)])
            if x not in wrong and x not in CATEGORIES[category]:
                wrong.append(x)
        return make_question(
            draw, "classification", question, word, wrong, f"w{phrasing},{category},{word}"
        )
    phrasing = draw.integer(0, 2)
    question = [
        "What kind of thing is '%s'?",
        "'%s' is an example of which category?",
        "To which group does '%s' belong?",
    ][phrasing] % word
    other_categories = [x for x in categories if x != category and word not in CATEGORIES[x]]
    return make_question(
        draw,
        "classification",
        question,
        category,
        draw.sample(other_categories, 3),
        f"k{phrasing},{category},{word}",
    )


def _alphabetical_order(draw: Draw):
    words = draw.sample(WORDS, 4)
    last = draw.integer(0, 1)
    ordered = sorted(words)
    right = ordered[0] if last == 0 else ordered[-1]
    question = [
        "Which word comes first in alphabetical order?",
        "Which word comes last in alphabetical order?",
    ][last]
    return make_question(
        draw,
        "letters_and_words",
        question,
        right,
        [x for x in words if x != right],
        f"a{last}{ordered}",
    )


def _place_in_alphabet(draw: Draw):
    distance = draw.integer(1, 5)
    forward = draw.chance(0.6)
    start = draw.integer(0, 25 - distance) if forward else draw.integer(distance, 25)
    end = start + distance if forward else start - distance
    question = "Which letter is %d place%s %s '%s' in the alphabet?" % (
        distance,
        "" if distance == 1 else "s",
        "after" if forward else "before",
        ALPHABET[start],
    )
    wrong = draw.sample([x for x in range(max(0, end - 4), min(26, end + 5)) if x != end], 3)
    return make_question(
        draw,
        "letters_and_words",
        question,
        ALPHABET[end],
        [ALPHABET[x] for x in wrong],
        f"n{start},{distance},{forward:d}",
    )


def _word_length(draw: Draw, word):
    phrasing = draw.integer(0, 1)
    question = ["How many letters are in the word '%s'?", "What is the length of the word '%s'?"][
        phrasing
    ] % word
    return make_question(
        draw,
        "letters_and_words",
        question,
        len(word),
        nearby_numbers(draw, len(word), 1, (1, -1, 2, -2)),
        f"l{phrasing}" + word,
    )


def _vowels(draw: Draw, word):
    phrasing = draw.integer(0, 1)
    words = sum(c in "aeiou" for c in word)
    question = ["How many vowels are in the word '%s'?", "Count the vowels in '%s'."][
        phrasing
    ] % word
    return make_question(
        draw,
        "letters_and_words",
        question,
        words,
        nearby_numbers(draw, words, 0, (1, -1, 2, 3)),
        f"v{phrasing}" + word,
    )


def _first_or_last_letter(draw: Draw, word):
    phrasing = draw.integer(0, 1)
    at_end = draw.integer(0, 1)
    right = word
    letter = word[-1] if at_end else word[0]
    others = [x for x in draw.sample(WORDS, 20) if x[-1 if at_end else 0] != letter][:3]
    question = [
        ["Which word starts with the letter '%s'?", "Which of these begins with '%s'?"],
        ["Which word ends with the letter '%s'?", "Which of these has '%s' as its last letter?"],
    ][at_end][phrasing] % letter
    return make_question(
        draw, "letters_and_words", question, right, others, f"s{at_end}{phrasing},{word}"
    )


def letters_and_words(draw: Draw):
    """Alphabetical order, letters of words, positions in the alphabet."""
    form = draw.integer(0, 4)
    if form == 0:
        return _alphabetical_order(draw)
    if form == 1:
        return _place_in_alphabet(draw)
    word = draw.choose(WORDS)
    if form == 2:
        return _word_length(draw, word)
    if form == 3:
        return _vowels(draw, word)
    return _first_or_last_letter(draw, word)


def spanish(draw: Draw):
    """Spanish words."""
    return fact_question(
        draw,
        "spanish",
        SPANISH,
        [
            "What is the Spanish word for '%s'?",
            "How do you say '%s' in Spanish?",
            "Which Spanish word means '%s'?",
        ],
        ["What does the Spanish word '%s' mean?", "The Spanish word '%s' means"],
        "s",
    )


def french(draw: Draw):
    """French words."""
    return fact_question(
        draw,
        "french",
        FRENCH,
        [
            "What is the French word for '%s'?",
            "How do you say '%s' in French?",
            "Which French word means '%s'?",
        ],
        ["What does the French word '%s' mean?", "The French word '%s' means"],
        "f",
    )
