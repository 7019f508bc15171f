"""Functions of strings and of lists of strings."""

from trainer.humaneval.task import SEPARATORS, Task, code

STRING_TASKS = [
    Task(
        "reverse_string backwards flip",
        "text",
        "str",
        [
            "Return the string @a reversed.",
            "Reverse the characters of @a.",
            "Return @a written backwards.",
        ],
        "return @a[::-1]",
    ),
    Task(
        "is_palindrome palindrome reads_same",
        "word",
        "bool",
        [
            "Check whether @a is a palindrome.",
            "Return True if the string @a reads the same forwards and backwards.",
        ],
        "return @a == @a[::-1]",
    ),
    Task(
        "count_vowels num_vowels vowel_count",
        "text",
        "int",
        [
            "Count the vowels in @a.",
            "Return the number of vowels (a, e, i, o, u) in the string @a.",
            "How many characters of @a are vowels?",
        ],
        "return sum(1 for c in @a.lower() if c in 'aeiou')",
    ),
    Task(
        "count_consonants num_consonants",
        "text",
        "int",
        ["Count the consonants in @a.", "Return the number of letters of @a that are not vowels."],
        "return sum(1 for c in @a.lower() if c.isalpha() and c not in 'aeiou')",
    ),
    Task(
        "remove_vowels strip_vowels no_vowels",
        "text",
        "str",
        [
            "Remove all vowels from @a.",
            "Return the string @a without the letters a, e, i, o and u.",
        ],
        "return ''.join(c for c in @a if c.lower() not in 'aeiou')",
    ),
    Task(
        "remove_spaces no_spaces squeeze",
        "text",
        "str",
        ["Remove all spaces from @a.", "Return the string @a without spaces."],
        "return @a.replace(' ', '')",
    ),
    Task(
        "to_upper shout uppercase",
        "text",
        "str",
        ["Convert @a to upper case.", "Return the string @a in capital letters."],
        "return @a.upper()",
    ),
    Task(
        "to_lower whisper lowercase",
        "text",
        "str",
        ["Convert @a to lower case.", "Return the string @a in small letters."],
        "return @a.lower()",
    ),
    Task(
        "swap_case flip_case",
        "text",
        "str",
        [
            "Swap the case of every letter in @a.",
            "Turn upper case letters of @a into lower case and the other way round.",
        ],
        "return @a.swapcase()",
    ),
    Task(
        "capitalize_words title_case",
        "text",
        "str",
        [
            "Capitalize every word of @a.",
            "Return @a with the first letter of each word in upper case.",
        ],
        "return ' '.join(w.capitalize() for w in @a.split())",
    ),
    Task(
        "count_words num_words word_count",
        "text",
        "int",
        [
            "Count the words in @a.",
            "Return the number of words separated by spaces in the string @a.",
        ],
        "return len(@a.split())",
    ),
    Task(
        "longest_word biggest_word",
        "words",
        "str",
        [
            "Return the longest string in @a. Return the first one in case of a tie.",
            "Find the string of maximum length in @a.",
        ],
        "return max(@a, key=len)",
    ),
    Task(
        "shortest_word smallest_word",
        "words",
        "str",
        [
            "Return the shortest string in @a. Return the first one in case of a tie.",
            "Find the string of minimum length in @a.",
        ],
        "return min(@a, key=len)",
    ),
    Task(
        "word_lengths lengths get_lengths",
        "words",
        "List[int]",
        [
            "Return the list of lengths of the strings in @a.",
            "For each string in @a, compute its length.",
        ],
        "return [len(w) for w in @a]",
    ),
    Task(
        "total_length sum_lengths count_characters",
        "words",
        "int",
        [
            "Return the total length of all strings in @a.",
            "Add up the lengths of the strings in @a.",
        ],
        "return sum(len(w) for w in @a)",
    ),
    Task(
        "sort_by_length order_by_length",
        "words",
        "List[str]",
        [
            "Sort the strings in @a by length.",
            "Return @a ordered from the shortest to the longest string.",
        ],
        "return sorted(@a, key=len)",
    ),
    Task(
        "join_words concatenate glue",
        "words",
        "str",
        ["Join the strings of @a with '@K' between them.", "Concatenate @a, separated by '@K'."],
        "return '@K'.join(@a)",
        constant=SEPARATORS,
    ),
    Task(
        "starting_with filter_prefix words_with_letter",
        "words letter",
        "List[str]",
        [
            "Return the strings in @a that start with @b.",
            "Keep only the strings of @a whose first letter is @b.",
        ],
        "return [w for w in @a if w.startswith(@b)]",
    ),
    Task(
        "containing filter_containing with_letter",
        "words letter",
        "List[str]",
        [
            "Return the strings in @a that contain @b.",
            "Keep only the strings of @a that have the letter @b in them.",
        ],
        "return [w for w in @a if @b in w]",
    ),
    Task(
        "long_words filter_long longer_than",
        "words",
        "List[str]",
        [
            "Return the strings in @a with more than @K characters.",
            "Keep only the strings of @a longer than @K.",
        ],
        "return [w for w in @a if len(w) > @K]",
        constant=(2, 6),
    ),
    Task(
        "initials acronym first_letters",
        "text",
        "str",
        ["Return the first letters of the words of @a as one string.", "Build the acronym of @a."],
        "return ''.join(w[0] for w in @a.split())",
    ),
    Task(
        "last_letters endings final_letters",
        "text",
        "str",
        [
            "Return the last letters of the words of @a as one string.",
            "Join the final letter of each word of @a.",
        ],
        "return ''.join(w[-1] for w in @a.split())",
    ),
    Task(
        "reverse_words flip_words words_backwards",
        "text",
        "str",
        ["Return @a with its words in reverse order.", "Reverse the order of the words of @a."],
        "return ' '.join(@a.split()[::-1])",
    ),
    Task(
        "reverse_each_word flip_each",
        "text",
        "str",
        [
            "Reverse every word of @a but keep the order of the words.",
            "Return @a with the letters of each word reversed.",
        ],
        "return ' '.join(w[::-1] for w in @a.split())",
    ),
    Task(
        "count_char letter_count occurrences_of",
        "text letter",
        "int",
        [
            "Count how many times the character @b occurs in @a.",
            "Return the number of occurrences of @b in the string @a.",
        ],
        "return @a.count(@b)",
    ),
    Task(
        "remove_char drop_char without_letter",
        "text letter",
        "str",
        [
            "Remove every occurrence of the character @b from @a.",
            "Return @a without the letter @b.",
        ],
        "return @a.replace(@b, '')",
    ),
    Task(
        "repeat_string repeat copies",
        "word size",
        "str",
        ["Return @a repeated @b times.", "Repeat the string @a @b times."],
        "return @a * @b",
    ),
    Task(
        "first_chars prefix take_chars",
        "word size",
        "str",
        [
            "Return the first @b characters of @a.",
            "Take @b characters from the start of the string @a.",
        ],
        "return @a[:@b]",
    ),
    Task(
        "last_chars suffix end_chars",
        "word size",
        "str",
        [
            "Return the last @b characters of @a.",
            "Take @b characters from the end of the string @a.",
        ],
        "return @a[-@b:]",
    ),
    Task(
        "count_upper num_capitals uppercase_count",
        "word",
        "int",
        [
            "Count the upper case letters in @a.",
            "Return the number of capital letters in the string @a.",
        ],
        "return sum(1 for c in @a if c.isupper())",
    ),
    Task(
        "count_digits num_digits digit_count",
        "word",
        "int",
        ["Count the digits in the string @a.", "Return how many characters of @a are digits."],
        "return sum(1 for c in @a if c.isdigit())",
    ),
    Task(
        "extract_digits only_digits keep_digits",
        "word",
        "str",
        [
            "Return only the digits of the string @a.",
            "Keep the digits of @a and drop all other characters.",
        ],
        "return ''.join(c for c in @a if c.isdigit())",
    ),
    Task(
        "only_letters keep_letters letters",
        "word",
        "str",
        [
            "Return only the letters of the string @a.",
            "Keep the letters of @a and drop all other characters.",
        ],
        "return ''.join(c for c in @a if c.isalpha())",
    ),
    Task(
        "unique_chars distinct_letters num_different",
        "word",
        "int",
        [
            "Return how many different characters occur in @a.",
            "Count the distinct characters of @a.",
        ],
        "return len(set(@a))",
    ),
    Task(
        "sort_chars sorted_string order_letters",
        "word",
        "str",
        [
            "Return the characters of @a in sorted order as one string.",
            "Sort the letters of @a alphabetically.",
        ],
        "return ''.join(sorted(@a))",
    ),
    Task(
        "is_anagram anagrams same_letters",
        "word other_word",
        "bool",
        [
            "Check whether @a and @b are anagrams of each other.",
            "Return True if @a and @b consist of the same characters.",
        ],
        "return sorted(@a) == sorted(@b)",
    ),
    Task(
        "common_chars shared_letters",
        "word other_word",
        "str",
        [
            "Return the sorted characters that occur in both @a and @b.",
            "Find the common letters of @a and @b in alphabetical order.",
        ],
        "return ''.join(sorted(set(@a) & set(@b)))",
    ),
    Task(
        "double_chars duplicate_letters stutter",
        "word",
        "str",
        ["Double every character of @a.", "Return @a with each character written twice."],
        "return ''.join(c * 2 for c in @a)",
    ),
    Task(
        "every_other_char skip_chars",
        "word",
        "str",
        [
            "Return every second character of @a, starting with the first.",
            "Take the characters of @a at even indices.",
        ],
        "return @a[::2]",
    ),
    Task(
        "caesar shift_letters encode",
        "word",
        "str",
        [
            (
                "Shift every lower case letter of @a by @K places in the alphabet, wrapping around."
                " Leave other characters alone."
            ),
            "Encode @a with a Caesar cipher of shift @K on lower case letters.",
        ],
        code(
            "result = ''",
            "for c in @a:",
            "    if c.islower():",
            "        c = chr((ord(c) - 97 + @K) % 26 + 97)",
            "    result += c",
            "return result",
        ),
        constant=(1, 13),
    ),
    Task(
        "char_frequency letter_counts histogram",
        "word",
        "Dict[str, int]",
        [
            "Return a dictionary with the number of occurrences of each character of @a.",
            "Count every character of @a and return the counts as a dictionary.",
        ],
        code(
            "result = {}", "for c in @a:", "    result[c] = result.get(c, 0) + 1", "return result"
        ),
    ),
    Task(
        "run_length compress encode_runs",
        "word",
        "str",
        [
            "Compress @a by writing each run of equal characters as the character and its length.",
            "Return the run length encoding of @a.",
        ],
        code(
            "result = ''",
            "i = 0",
            "while i < len(@a):",
            "    j = i",
            "    while j < len(@a) and @a[j] == @a[i]:",
            "        j += 1",
            "    result += @a[i] + str(j - i)",
            "    i = j",
            "return result",
        ),
    ),
    Task(
        "ends_with has_suffix",
        "word letter",
        "bool",
        [
            "Check whether @a ends with the letter @b.",
            "Return True if the last character of @a is @b.",
        ],
        "return @a.endswith(@b)",
    ),
    Task(
        "pad_left left_pad",
        "word",
        "str",
        [
            "Pad @a on the left with '*' to a length of at least @K.",
            "Add '*' characters in front of @a until it has @K characters.",
        ],
        "return @a.rjust(@K, '*')",
        constant=(5, 12),
    ),
]
