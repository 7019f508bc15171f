"""Functions of one list, or of a list and constants."""

from trainer.humaneval.task import Task, code

LIST_TASKS = [
    Task(
        "sum_list total add_all list_sum",
        "list",
        "int",
        [
            "Return the sum of all numbers in @a.",
            "Add up the elements of the list @a.",
            "Compute the total of @a.",
        ],
        "return sum(@a)",
    ),
    Task(
        "largest max_element find_max biggest",
        "filled_list",
        "int",
        [
            "Return the largest number in @a.",
            "Find the maximum of the list @a.",
            "Given a list @a, return its biggest element.",
        ],
        "return max(@a)",
    ),
    Task(
        "smallest min_element find_min least",
        "filled_list",
        "int",
        [
            "Return the smallest number in @a.",
            "Find the minimum of the list @a.",
            "Given a list @a, return its least element.",
        ],
        "return min(@a)",
    ),
    Task(
        "value_range spread max_minus_min",
        "filled_list",
        "int",
        [
            "Return the difference between the largest and the smallest number in @a.",
            "Compute the range of @a, that is the maximum minus the minimum.",
            "Return max minus min of the list @a.",
        ],
        "return max(@a) - min(@a)",
    ),
    Task(
        "second_largest runner_up second_max",
        "long_list",
        "int",
        [
            "Return the second largest element of @a. Duplicates count separately.",
            "Sort @a and return the element just before the last one.",
        ],
        "return sorted(@a)[-2]",
    ),
    Task(
        "reverse_list backwards flip_list",
        "list",
        "List[int]",
        [
            "Return the list @a in reverse order.",
            "Reverse the list @a.",
            "Return a new list with the elements of @a from last to first.",
        ],
        "return @a[::-1]",
    ),
    Task(
        "sort_list ascending in_order",
        "list",
        "List[int]",
        [
            "Return @a sorted in increasing order.",
            "Sort the list @a from smallest to largest.",
            "Put the numbers of @a in ascending order.",
        ],
        "return sorted(@a)",
    ),
    Task(
        "sort_descending descending sort_down",
        "list",
        "List[int]",
        [
            "Return @a sorted in decreasing order.",
            "Sort the list @a from largest to smallest.",
            "Put the numbers of @a in descending order.",
        ],
        "return sorted(@a, reverse=True)",
    ),
    Task(
        "unique_sorted sorted_set distinct",
        "list",
        "List[int]",
        [
            "Return the sorted list of distinct elements of @a.",
            "Remove duplicates from @a and sort the result.",
        ],
        "return sorted(set(@a))",
    ),
    Task(
        "count_distinct num_unique distinct_count",
        "list",
        "int",
        [
            "Return how many different values occur in @a.",
            "Count the distinct elements of @a.",
            "Return the number of unique numbers in the list @a.",
        ],
        "return len(set(@a))",
    ),
    Task(
        "dedupe remove_duplicates unique",
        "list",
        "List[int]",
        [
            "Remove duplicates from @a, keeping the first occurrence of each number.",
            "Return the elements of @a without repeats, in their original order.",
        ],
        code(
            "result = []",
            "for x in @a:",
            "    if x not in result:",
            "        result.append(x)",
            "return result",
        ),
    ),
    Task(
        "running_sum prefix_sums cumulative",
        "list",
        "List[int]",
        [
            "Return the list of running sums of @a.",
            "Compute the prefix sums of @a.",
            "Return the cumulative sums of the list @a.",
        ],
        code(
            "result = []",
            "total = 0",
            "for x in @a:",
            "    total += x",
            "    result.append(total)",
            "return result",
        ),
    ),
    Task(
        "running_max rolling_max max_so_far",
        "list",
        "List[int]",
        [
            "Return the list of running maximums of @a.",
            "For each position, return the largest number of @a seen so far.",
        ],
        code(
            "result = []",
            "for x in @a:",
            "    if result and result[-1] > x:",
            "        result.append(result[-1])",
            "    else:",
            "        result.append(x)",
            "return result",
        ),
    ),
    Task(
        "differences deltas step_differences",
        "list",
        "List[int]",
        [
            "Return the list of differences between consecutive elements of @a.",
            "For each neighboring pair in @a, compute the second minus the first.",
        ],
        "return [@a[i + 1] - @a[i] for i in range(len(@a) - 1)]",
    ),
    Task(
        "adjacent_sums pair_sums neighbor_sums",
        "list",
        "List[int]",
        [
            "Return the list of sums of consecutive elements of @a.",
            "For each neighboring pair in @a, compute their sum.",
        ],
        "return [@a[i] + @a[i + 1] for i in range(len(@a) - 1)]",
    ),
    Task(
        "product multiply_all list_product",
        "list",
        "int",
        [
            "Return the product of all numbers in @a.",
            "Multiply all elements of the list @a together.",
        ],
        code("result = 1", "for x in @a:", "    result *= x", "return result"),
    ),
    Task(
        "is_sorted in_order_check ascending_check",
        "list",
        "bool",
        [
            "Check whether @a is sorted in increasing order.",
            "Return True if the list @a is in ascending order and False otherwise.",
        ],
        "return @a == sorted(@a)",
    ),
    Task(
        "has_duplicates contains_repeat any_repeat",
        "list",
        "bool",
        [
            "Check whether @a contains a number more than once.",
            "Return True if the list @a has duplicates and False otherwise.",
        ],
        "return len(set(@a)) < len(@a)",
    ),
    Task(
        "all_equal same_values identical",
        "list",
        "bool",
        [
            "Check whether all elements of @a are the same.",
            "Return True if the numbers in @a are all equal.",
        ],
        "return len(set(@a)) <= 1",
    ),
    Task(
        "index_of_max argmax position_of_largest",
        "filled_list",
        "int",
        [
            "Return the index of the largest element of @a.",
            "Find the position of the first maximum in @a.",
        ],
        "return @a.index(max(@a))",
    ),
    Task(
        "index_of_min argmin position_of_smallest",
        "filled_list",
        "int",
        [
            "Return the index of the smallest element of @a.",
            "Find the position of the first minimum in @a.",
        ],
        "return @a.index(min(@a))",
    ),
    Task(
        "most_common mode most_frequent",
        "filled_list",
        "int",
        [
            "Return the most frequent number in @a. Break ties by the smaller number.",
            "Find the mode of @a, choosing the smaller value in case of a tie.",
        ],
        "return min(@a, key=lambda x: (-@a.count(x), x))",
    ),
    Task(
        "sum_even_index even_positions_sum",
        "list",
        "int",
        [
            "Return the sum of the elements of @a at even indices.",
            "Add up the numbers of @a at positions 0, 2, 4 and so on.",
        ],
        "return sum(@a[::2])",
    ),
    Task(
        "sum_odd_index odd_positions_sum",
        "list",
        "int",
        [
            "Return the sum of the elements of @a at odd indices.",
            "Add up the numbers of @a at positions 1, 3, 5 and so on.",
        ],
        "return sum(@a[1::2])",
    ),
    Task(
        "median middle_value",
        "filled_list",
        "int",
        [
            "Return the middle element of @a after sorting.",
            "Sort @a and return the element at index len(@a) // 2.",
        ],
        "return sorted(@a)[len(@a) // 2]",
    ),
    Task(
        "max_subarray best_sum largest_subarray_sum",
        "filled_list",
        "int",
        [
            "Return the largest sum of a contiguous non-empty part of @a.",
            "Find the maximum subarray sum of @a.",
        ],
        code(
            "best = @a[0]",
            "cur = 0",
            "for x in @a:",
            "    cur = max(cur + x, x)",
            "    best = max(best, cur)",
            "return best",
        ),
    ),
    Task(
        "count_peaks local_maxima num_peaks",
        "list",
        "int",
        [
            "Count the elements of @a that are larger than both neighbors.",
            "Return the number of local maxima of @a, not counting the ends.",
        ],
        "return sum(1 for i in range(1, len(@a) - 1) if @a[i] > @a[i - 1] and @a[i] > @a[i + 1])",
    ),
    Task(
        "longest_run max_run longest_streak",
        "list",
        "int",
        [
            "Return the length of the longest run of equal consecutive elements in @a.",
            "Find how many times in a row the same number appears in @a at most.",
        ],
        code(
            "best = 0",
            "cur = 0",
            "prev = None",
            "for x in @a:",
            "    cur = cur + 1 if x == prev else 1",
            "    prev = x",
            "    best = max(best, cur)",
            "return best",
        ),
    ),
    Task(
        "inversions count_inversions",
        "list",
        "int",
        [
            "Count the pairs of positions i < j with @a[i] > @a[j].",
            "Return the number of inversions of @a.",
        ],
        code(
            "n = len(@a)",
            "return sum(1 for i in range(n) for j in range(i + 1, n) if @a[i] > @a[j])",
        ),
    ),
    Task(
        "pairs_with_sum count_pairs sum_pairs",
        "list",
        "int",
        [
            "Count the pairs of positions i < j with @a[i] + @a[j] equal to @K.",
            "Return how many pairs of elements of @a add up to @K.",
        ],
        code(
            "n = len(@a)",
            "return sum(1 for i in range(n) for j in range(i + 1, n) if @a[i] + @a[j] == @K)",
        ),
        constant=(0, 30),
    ),
    Task(
        "has_pair_sum two_sum pair_exists",
        "list",
        "bool",
        [
            "Check whether two different positions of @a have values that add up to @K.",
            "Return True if some pair of elements of @a sums to @K.",
        ],
        code(
            "n = len(@a)",
            "return any(@a[i] + @a[j] == @K for i in range(n) for j in range(i + 1, n))",
        ),
        constant=(0, 30),
    ),
]
