"""Functions of dictionaries and matrices."""

from trainer.humaneval.task import Task

TABLE_TASKS = [
    Task(
        "key_of_max best_key top_key",
        "dictionary",
        "str",
        [
            "Return the key with the largest value in @a.",
            "Find the key of the maximum value of the dictionary @a.",
        ],
        "return max(@a, key=@a.get)",
    ),
    Task(
        "sum_values total_value dict_sum",
        "dictionary",
        "int",
        ["Return the sum of the values of @a.", "Add up all values of the dictionary @a."],
        "return sum(@a.values())",
    ),
    Task(
        "sorted_keys key_list keys_in_order",
        "dictionary",
        "List[str]",
        [
            "Return the keys of @a in alphabetical order.",
            "List the sorted keys of the dictionary @a.",
        ],
        "return sorted(@a)",
    ),
    Task(
        "keys_above filter_keys large_keys",
        "dictionary",
        "List[str]",
        [
            "Return the sorted keys of @a whose value is greater than @K.",
            "List the keys of the dictionary @a with a value above @K, in alphabetical order.",
        ],
        "return sorted(k for k, v in @a.items() if v > @K)",
        constant=(5, 25),
    ),
    Task(
        "filter_dict keep_large drop_small",
        "dictionary",
        "Dict[str, int]",
        [
            "Keep only the entries of @a with a value of at least @K.",
            "Return the dictionary @a without the values below @K.",
        ],
        "return {k: v for k, v in @a.items() if v >= @K}",
        constant=(5, 25),
    ),
    Task(
        "add_to_values increase_all raise_values",
        "dictionary",
        "Dict[str, int]",
        [
            "Add @K to every value of @a.",
            "Return the dictionary @a with each value increased by @K.",
        ],
        "return {k: v + @K for k, v in @a.items()}",
        constant=(1, 20),
    ),
    Task(
        "transpose flip_matrix columns",
        "matrix",
        "List[List[int]]",
        ["Return the transpose of @a.", "Swap the rows and columns of the matrix @a."],
        "return [list(row) for row in zip(*@a)]",
    ),
    Task(
        "flatten flat_list concat",
        "matrix",
        "List[int]",
        ["Flatten @a into a single list.", "Concatenate the rows of @a."],
        "return [x for row in @a for x in row]",
    ),
    Task(
        "row_sums sums_of_rows",
        "matrix",
        "List[int]",
        ["Return the list of row sums of @a.", "For each row of the matrix @a, compute its sum."],
        "return [sum(row) for row in @a]",
    ),
    Task(
        "column_sums sums_of_columns",
        "matrix",
        "List[int]",
        [
            "Return the list of column sums of @a.",
            "For each column of the matrix @a, compute its sum.",
        ],
        "return [sum(col) for col in zip(*@a)]",
    ),
    Task(
        "matrix_max grid_max largest_entry",
        "matrix",
        "int",
        ["Return the largest entry of @a.", "Find the maximum number in the matrix @a."],
        "return max(max(row) for row in @a)",
    ),
    Task(
        "matrix_total grid_sum total_sum",
        "matrix",
        "int",
        ["Return the sum of all entries of @a.", "Add up all numbers in the matrix @a."],
        "return sum(sum(row) for row in @a)",
    ),
]
