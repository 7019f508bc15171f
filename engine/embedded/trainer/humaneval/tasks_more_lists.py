"""Functions that cut, combine and compare lists."""

from trainer.humaneval.task import Task, code

MORE_LIST_TASKS = [
    Task(
        "rotate_left shift_left rotate",
        "list",
        "List[int]",
        [
            "Rotate the list @a to the left by @K positions.",
            "Move the first @K elements of @a to the end.",
        ],
        "return @a[@K:] + @a[:@K]",
        constant=(1, 4),
    ),
    Task(
        "rotate_right shift_right",
        "filled_list",
        "List[int]",
        [
            "Rotate the list @a to the right by @K positions.",
            "Move the last @K elements of @a to the front.",
        ],
        "return @a[-@K:] + @a[:-@K]",
        constant=(1, 4),
    ),
    Task(
        "first_k take_first head",
        "list size",
        "List[int]",
        ["Return the first @b elements of @a.", "Take @b elements from the start of the list @a."],
        "return @a[:@b]",
    ),
    Task(
        "last_k take_last tail",
        "list size",
        "List[int]",
        ["Return the last @b elements of @a.", "Take @b elements from the end of the list @a."],
        "return @a[-@b:]",
    ),
    Task(
        "every_kth take_every sample_list",
        "list size",
        "List[int]",
        [
            "Return every @b-th element of @a, starting with the first.",
            "Take the elements of @a with step @b.",
        ],
        "return @a[::@b]",
    ),
    Task(
        "chunks split_list group",
        "list size",
        "List[List[int]]",
        [
            "Split @a into consecutive chunks of length @b. The last chunk may be shorter.",
            "Group the elements of @a into lists of size @b.",
        ],
        "return [@a[i:i + @b] for i in range(0, len(@a), @b)]",
    ),
    Task(
        "remove_value drop_value without",
        "list other_integer",
        "List[int]",
        [
            "Remove every occurrence of @b from @a.",
            "Return the elements of @a that are not equal to @b.",
        ],
        "return [x for x in @a if x != @b]",
    ),
    Task(
        "count_value occurrences how_many",
        "list other_integer",
        "int",
        [
            "Count how many times @b occurs in @a.",
            "Return the number of elements of @a equal to @b.",
        ],
        "return @a.count(@b)",
    ),
    Task(
        "scale multiply_each scaled",
        "list other_integer",
        "List[int]",
        ["Multiply each element of @a by @b.", "Return the list @a scaled by the factor @b."],
        "return [x * @b for x in @a]",
    ),
    Task(
        "dot_product inner_product",
        "list other_list",
        "int",
        [
            "Return the sum of the products of corresponding elements of @a and @b.",
            "Compute the dot product of @a and @b.",
        ],
        "return sum(x * y for x, y in zip(@a, @b))",
    ),
    Task(
        "add_lists pairwise_sum elementwise_sum",
        "list other_list",
        "List[int]",
        [
            "Return the elementwise sums of @a and @b.",
            "Add the corresponding elements of @a and @b.",
        ],
        "return [x + y for x, y in zip(@a, @b)]",
    ),
    Task(
        "pairwise_max elementwise_max larger_of_each",
        "list other_list",
        "List[int]",
        [
            "Return the elementwise maximums of @a and @b.",
            "For each position, take the larger of the two elements of @a and @b.",
        ],
        "return [max(x, y) for x, y in zip(@a, @b)]",
    ),
    Task(
        "common_elements intersection shared",
        "list other_list",
        "List[int]",
        [
            "Return the sorted list of numbers that occur in both @a and @b.",
            "Find the common elements of @a and @b in increasing order.",
        ],
        "return sorted(set(@a) & set(@b))",
    ),
    Task(
        "union merge_unique all_elements",
        "list other_list",
        "List[int]",
        [
            "Return the sorted list of numbers that occur in @a or @b.",
            "Merge @a and @b into one sorted list without duplicates.",
        ],
        "return sorted(set(@a) | set(@b))",
    ),
    Task(
        "difference only_in_first subtract_lists",
        "list other_list",
        "List[int]",
        [
            "Return the sorted list of numbers that occur in @a but not in @b.",
            "Find the elements of @a missing from @b in increasing order.",
        ],
        "return sorted(set(@a) - set(@b))",
    ),
    Task(
        "interleave alternate zip_lists",
        "list other_list",
        "List[int]",
        [
            "Interleave @a and @b, stopping at the end of the shorter list.",
            "Take elements alternately from @a and @b.",
        ],
        code(
            "result = []",
            "for x, y in zip(@a, @b):",
            "    result.append(x)",
            "    result.append(y)",
            "return result",
        ),
    ),
    Task(
        "merge_sorted merge_lists combine",
        "list other_list",
        "List[int]",
        [
            "Merge @a and @b into one list in increasing order.",
            "Concatenate @a and @b and sort the result.",
        ],
        "return sorted(@a + @b)",
    ),
]
