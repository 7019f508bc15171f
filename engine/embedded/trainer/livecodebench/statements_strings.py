"""What a program may be asked about a string or a list of words."""

from trainer.livecodebench.statement import STRING, WORDS, Statement, code

STRING_STATEMENTS = [
    Statement(
        STRING, "srev", "Backwards", ["s reversed", "the string s written backwards"], "s[::-1]"
    ),
    Statement(
        STRING,
        "spal",
        "Palindrome",
        ["s reads the same forwards and backwards", "s is a palindrome"],
        "s == s[::-1]",
        yes_no=True,
    ),
    Statement(
        STRING,
        "vow",
        "Vowels",
        ["the number of vowels in s", "how many letters of s are a, e, i, o or u"],
        "sum(1 for c in s if c in 'aeiou')",
    ),
    Statement(
        STRING,
        "cons",
        "Consonants",
        ["the number of letters of s that are not vowels", "how many consonants s has"],
        "sum(1 for c in s if c not in 'aeiou')",
    ),
    Statement(
        STRING, "up", "Shout", ["s in upper case", "s with all letters capitalized"], "s.upper()"
    ),
    Statement(STRING, "slen", "Length", ["the length of s", "how many letters s has"], "len(s)"),
    Statement(
        STRING,
        "sdist",
        "Different Letters",
        ["the number of different letters in s", "how many distinct letters s has"],
        "len(set(s))",
    ),
    Statement(
        STRING,
        "ssort",
        "Sorted Letters",
        ["the letters of s in alphabetical order", "s with its letters sorted"],
        "''.join(sorted(s))",
    ),
    Statement(
        STRING,
        "novow",
        "No Vowels",
        ["s without its vowels", "s after removing the letters a, e, i, o and u"],
        "''.join(c for c in s if c not in 'aeiou')",
    ),
    Statement(
        STRING,
        "dbl",
        "Stutter",
        ["s with every letter doubled", "s with each letter written twice"],
        "''.join(c * 2 for c in s)",
    ),
    Statement(
        STRING,
        "rle",
        "Run Length Encoding",
        [
            "the run length encoding of s, each run written as the letter and its length",
            "s compressed by writing each run of equal letters as the letter followed by the count",
        ],
        "r",
        setup=code(
            "r = ''",
            "i = 0",
            "while i < len(s):",
            "    j = i",
            "    while j < len(s) and s[j] == s[i]:",
            "        j += 1",
            "    r += s[i] + str(j - i)",
            "    i = j",
        ),
    ),
    Statement(
        STRING,
        "srun",
        "Longest Block",
        [
            "the length of the longest block of equal consecutive letters in s",
            "how many times in a row the same letter appears in s at most",
        ],
        "best",
        setup=code(
            "best = 0",
            "cur = 0",
            "prev = ''",
            "for c in s:",
            "    cur = cur + 1 if c == prev else 1",
            "    prev = c",
            "    best = max(best, cur)",
        ),
    ),
    Statement(
        STRING,
        "freq",
        "Most Frequent Letter",
        [
            "the most frequent letter of s, the alphabetically first one in case of a tie",
            (
                "the letter that occurs most often in s, choosing the alphabetically first if"
                " several do"
            ),
        ],
        "min(s, key=lambda c: (-s.count(c), c))",
    ),
    Statement(
        STRING,
        "first",
        "First Unique",
        [
            "the first letter that occurs only once in s, or -1 if there is none",
            "the first non-repeating letter of s, or -1 if every letter repeats",
        ],
        "r",
        setup=code(
            "r = -1", "for c in s:", "    if s.count(c) == 1:", "        r = c", "        break"
        ),
    ),
    Statement(
        STRING,
        "suniq",
        "All Different",
        ["all letters of s are different", "no letter occurs twice in s"],
        "len(set(s)) == len(s)",
        yes_no=True,
    ),
    Statement(
        STRING,
        "caes",
        "Cipher",
        [
            "s with every letter moved one place forward in the alphabet, where z becomes a",
            "s encoded with a Caesar shift of one",
        ],
        "''.join(chr((ord(c) - 96) % 26 + 97) for c in s)",
    ),
    Statement(
        STRING,
        "shalf",
        "Every Other Letter",
        [
            "the letters of s at positions 1, 3, 5 and so on, counting from 1",
            "every second letter of s, starting with the first",
        ],
        "s[::2]",
    ),
    Statement(
        WORDS, "wcnt", "Word Count", ["the number of words", "how many words there are"], "len(w)"
    ),
    Statement(
        WORDS,
        "wlong",
        "Longest Word",
        [
            "the longest word, the first one in case of a tie",
            "the word with the most letters, choosing the first if several tie",
        ],
        "max(w, key=len)",
    ),
    Statement(
        WORDS,
        "wshort",
        "Shortest Word",
        [
            "the shortest word, the first one in case of a tie",
            "the word with the fewest letters, choosing the first if several tie",
        ],
        "min(w, key=len)",
    ),
    Statement(
        WORDS,
        "wrev",
        "Reversed Words",
        ["the words in reverse order", "the words from last to first"],
        "w[::-1]",
        prints_list=True,
    ),
    Statement(
        WORDS,
        "wsort",
        "Dictionary Order",
        ["the words in alphabetical order", "the sorted list of words"],
        "sorted(w)",
        prints_list=True,
    ),
    Statement(
        WORDS,
        "wini",
        "Initials",
        ["the first letters of the words, joined together", "the string of initials of the words"],
        "''.join(x[0] for x in w)",
    ),
    Statement(
        WORDS,
        "wlen",
        "Word Lengths",
        ["the length of each word", "the number of letters of every word"],
        "[len(x) for x in w]",
        prints_list=True,
    ),
    Statement(
        WORDS,
        "wflip",
        "Flipped Words",
        [
            "every word reversed, in the original order",
            "the words with the letters of each one reversed",
        ],
        "[x[::-1] for x in w]",
        prints_list=True,
    ),
    Statement(
        WORDS,
        "wuniq",
        "Different Words",
        ["the number of different words", "how many distinct words there are"],
        "len(set(w))",
    ),
    Statement(
        WORDS,
        "wtot",
        "Total Letters",
        ["the total number of letters in all words", "the sum of the lengths of the words"],
        "sum(len(x) for x in w)",
    ),
]
