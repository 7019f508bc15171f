"""Functions of integers."""

from trainer.humaneval.task import Task, code

NUMBER_TASKS = [
    Task(
        "factorial fact product_up_to",
        "count",
        "int",
        ["Return the factorial of @a.", "Compute the product of the integers from 1 to @a."],
        code("result = 1", "for i in range(2, @a + 1):", "    result *= i", "return result"),
    ),
    Task(
        "fibonacci fib fib_number",
        "count",
        "int",
        [
            "Return the @a-th Fibonacci number, where the numbers start with 0, 1.",
            "Compute Fibonacci number @a with fib(0) = 0 and fib(1) = 1.",
        ],
        code("a, b = 0, 1", "for _ in range(@a):", "    a, b = b, a + b", "return a"),
    ),
    Task(
        "is_prime prime check_prime",
        "positive",
        "bool",
        ["Check whether @a is a prime number.", "Return True if @a is prime and False otherwise."],
        code(
            "if @a < 2:",
            "    return False",
            "for d in range(2, @a):",
            "    if @a % d == 0:",
            "        return False",
            "return True",
        ),
    ),
    Task(
        "primes_up_to list_primes all_primes",
        "positive",
        "List[int]",
        ["Return the list of primes that are at most @a.", "Find all prime numbers from 2 to @a."],
        "return [x for x in range(2, @a + 1) if all(x % d for d in range(2, x))]",
    ),
    Task(
        "sum_digits digit_sum add_digits",
        "large",
        "int",
        ["Return the sum of the digits of @a.", "Add up the decimal digits of the number @a."],
        "return sum(int(c) for c in str(@a))",
    ),
    Task(
        "product_digits digit_product multiply_digits",
        "large",
        "int",
        [
            "Return the product of the digits of @a.",
            "Multiply the decimal digits of the number @a.",
        ],
        code("result = 1", "for c in str(@a):", "    result *= int(c)", "return result"),
    ),
    Task(
        "number_of_digits digit_length how_many_digits",
        "large",
        "int",
        ["Return how many digits the number @a has.", "Count the decimal digits of @a."],
        "return len(str(@a))",
    ),
    Task(
        "reverse_digits reverse_number flip_digits",
        "large",
        "int",
        [
            "Return the number @a with its digits in reverse order.",
            "Reverse the decimal digits of @a.",
        ],
        "return int(str(@a)[::-1])",
    ),
    Task(
        "is_palindrome_number number_palindrome",
        "large",
        "bool",
        [
            "Check whether the digits of @a read the same in both directions.",
            "Return True if the number @a is a palindrome.",
        ],
        "return str(@a) == str(@a)[::-1]",
    ),
    Task(
        "largest_digit max_digit biggest_digit",
        "large",
        "int",
        ["Return the largest digit of @a.", "Find the biggest decimal digit of the number @a."],
        "return max(int(c) for c in str(@a))",
    ),
    Task(
        "divisors factors list_divisors",
        "positive",
        "List[int]",
        [
            "Return the list of positive divisors of @a.",
            "Find all positive integers that divide @a.",
        ],
        "return [d for d in range(1, @a + 1) if @a % d == 0]",
    ),
    Task(
        "count_divisors num_factors divisor_count",
        "positive",
        "int",
        [
            "Return the number of positive divisors of @a.",
            "Count the positive integers that divide @a.",
        ],
        "return sum(1 for d in range(1, @a + 1) if @a % d == 0)",
    ),
    Task(
        "sum_divisors divisor_sum",
        "positive",
        "int",
        [
            "Return the sum of the positive divisors of @a.",
            "Add up all positive integers that divide @a.",
        ],
        "return sum(d for d in range(1, @a + 1) if @a % d == 0)",
    ),
    Task(
        "is_perfect perfect_number",
        "positive",
        "bool",
        [
            "Check whether @a equals the sum of its divisors smaller than itself.",
            "Return True if @a is a perfect number.",
        ],
        "return @a > 1 and sum(d for d in range(1, @a) if @a % d == 0) == @a",
    ),
    Task(
        "gcd greatest_common_divisor common_divisor",
        "positive other_positive",
        "int",
        [
            "Return the greatest common divisor of @a and @b.",
            "Find the largest integer that divides both @a and @b.",
        ],
        code("while @b:", "    @a, @b = @b, @a % @b", "return @a"),
    ),
    Task(
        "lcm least_common_multiple common_multiple",
        "positive other_positive",
        "int",
        [
            "Return the least common multiple of @a and @b.",
            "Find the smallest positive integer divisible by both @a and @b.",
        ],
        code("result = @a", "while result % @b != 0:", "    result += @a", "return result"),
    ),
    Task(
        "power raise_to exponent",
        "count size",
        "int",
        ["Return @a raised to the power @b.", "Compute @a to the @b."],
        "return @a ** @b",
    ),
    Task(
        "is_power_of_two power_of_two",
        "positive",
        "bool",
        [
            "Check whether @a is a power of two.",
            "Return True if @a can be written as 2 to some nonnegative power.",
        ],
        code("while @a % 2 == 0:", "    @a //= 2", "return @a == 1"),
    ),
    Task(
        "is_square perfect_square square_check",
        "positive",
        "bool",
        ["Check whether @a is a perfect square.", "Return True if @a is the square of an integer."],
        "return any(i * i == @a for i in range(@a + 1))",
    ),
    Task(
        "sum_to_n triangular gauss_sum",
        "positive",
        "int",
        ["Return the sum of the integers from 1 to @a.", "Compute 1 + 2 + ... + @a."],
        "return @a * (@a + 1) // 2",
    ),
    Task(
        "sum_squares_to squares_sum",
        "positive",
        "int",
        [
            "Return the sum of the squares of the integers from 1 to @a.",
            "Compute 1*1 + 2*2 + ... + @a*@a.",
        ],
        "return sum(i * i for i in range(1, @a + 1))",
    ),
    Task(
        "sum_multiples multiples_below",
        "large",
        "int",
        [
            "Return the sum of the multiples of @K below @a.",
            "Add up all nonnegative integers smaller than @a that are divisible by @K.",
        ],
        "return sum(range(0, @a, @K))",
        constant=(2, 12),
    ),
    Task(
        "sum_multiples_of_two multiples_either",
        "positive",
        "int",
        [
            "Return the sum of the integers from 1 to @a that are divisible by @K or @J.",
            "Add up the multiples of @K or @J up to @a.",
        ],
        "return sum(i for i in range(1, @a + 1) if i % @K == 0 or i % @J == 0)",
        constant=(2, 6),
        second=(7, 12),
    ),
    Task(
        "collatz_steps collatz hailstone",
        "positive",
        "int",
        [
            "Return how many Collatz steps it takes to get from @a to 1.",
            (
                "Count the steps of halving even numbers and mapping odd x to 3x + 1 until @a"
                " becomes 1."
            ),
        ],
        code(
            "steps = 0",
            "while @a != 1:",
            "    @a = @a // 2 if @a % 2 == 0 else 3 * @a + 1",
            "    steps += 1",
            "return steps",
        ),
    ),
    Task(
        "digital_root repeated_digit_sum",
        "large",
        "int",
        [
            "Add the digits of @a repeatedly until a single digit remains and return it.",
            "Return the digital root of @a.",
        ],
        code("while @a > 9:", "    @a = sum(int(c) for c in str(@a))", "return @a"),
    ),
    Task(
        "to_binary binary as_binary",
        "positive",
        "str",
        ["Return the binary representation of @a as a string.", "Convert the number @a to binary."],
        "return bin(@a)[2:]",
    ),
    Task(
        "from_binary binary_to_int parse_binary",
        "bits",
        "int",
        [
            "Return the number whose binary representation is the string @a.",
            "Convert the binary string @a to an integer.",
        ],
        "return int(@a, 2)",
    ),
    Task(
        "count_ones popcount bit_count",
        "large",
        "int",
        [
            "Return the number of ones in the binary representation of @a.",
            "Count the bits of @a that are set.",
        ],
        "return bin(@a).count('1')",
    ),
    Task(
        "clamp limit bound",
        "integer",
        "int",
        [
            "Limit @a to the range from @K to @J.",
            "Return @K if @a is below @K, @J if it is above @J, and @a otherwise.",
        ],
        "return max(@K, min(@J, @a))",
        constant=(-9, 9),
        second=(15, 45),
    ),
    Task(
        "sign sign_of signum",
        "integer",
        "int",
        [
            "Return 1 if @a is positive, -1 if it is negative and 0 if it is zero.",
            "Compute the sign of @a as -1, 0 or 1.",
        ],
        code("if @a > 0:", "    return 1", "if @a < 0:", "    return -1", "return 0"),
    ),
    Task(
        "absolute_difference distance gap",
        "integer other_integer",
        "int",
        [
            "Return the absolute difference of @a and @b.",
            "Compute the distance between the numbers @a and @b.",
        ],
        "return abs(@a - @b)",
    ),
    Task(
        "max_of_three largest_of_three",
        "integer other_integer third_integer",
        "int",
        [
            "Return the largest of @a, @b and @c.",
            "Find the maximum of the three numbers @a, @b and @c.",
        ],
        "return max(@a, @b, @c)",
    ),
    Task(
        "middle_of_three median_of_three",
        "integer other_integer third_integer",
        "int",
        [
            "Return the middle value of @a, @b and @c.",
            "Find the median of the three numbers @a, @b and @c.",
        ],
        "return sorted([@a, @b, @c])[1]",
    ),
    Task(
        "is_leap_year leap_year",
        "year",
        "bool",
        ["Check whether @a is a leap year.", "Return True if the year @a has 366 days."],
        "return @a % 4 == 0 and (@a % 100 != 0 or @a % 400 == 0)",
    ),
    Task(
        "fizz_buzz fizz_word label",
        "positive",
        "str",
        [
            (
                "Return 'Fizz' if @a is divisible by @K, 'Buzz' if it is divisible by @J,"
                " 'FizzBuzz' if both, and otherwise the number as a string."
            ),
            (
                "For multiples of @K return 'Fizz', for multiples of @J return 'Buzz', for"
                " multiples of both return 'FizzBuzz', else return @a as a string."
            ),
        ],
        code(
            "result = ''",
            "if @a % @K == 0:",
            "    result += 'Fizz'",
            "if @a % @J == 0:",
            "    result += 'Buzz'",
            "return result or str(@a)",
        ),
        constant=(2, 5),
        second=(6, 9),
    ),
    Task(
        "linear line_value apply_line",
        "integer",
        "int",
        ["Return @K times @a plus @J.", "Multiply @a by @K and add @J."],
        "return @K * @a + @J",
        constant=(2, 12),
        second=(1, 30),
    ),
    Task(
        "is_multiple divisible_by",
        "large",
        "bool",
        ["Check whether @a is divisible by @K.", "Return True if @a is a multiple of @K."],
        "return @a % @K == 0",
        constant=(2, 15),
    ),
    Task(
        "celsius_to_fahrenheit to_fahrenheit",
        "integer",
        "float",
        [
            "Convert @a degrees Celsius to Fahrenheit.",
            "Return the Fahrenheit temperature for @a degrees Celsius.",
        ],
        "return @a * 9 / 5 + 32",
    ),
    Task(
        "average mean mean_value",
        "filled_list",
        "float",
        ["Return the average of the numbers in @a.", "Compute the mean of the list @a."],
        "return sum(@a) / len(@a)",
    ),
    Task(
        "multiplication_row times_row multiples_list",
        "positive",
        "List[int]",
        [
            "Return the first @K multiples of @a.",
            "List @a times 1, @a times 2 and so on up to @a times @K.",
        ],
        "return [@a * i for i in range(1, @K + 1)]",
        constant=(3, 8),
    ),
    Task(
        "countdown count_down down_from",
        "count",
        "List[int]",
        ["Return the list of integers from @a down to 0.", "Count down from @a to 0 as a list."],
        "return list(range(@a, -1, -1))",
    ),
    Task(
        "squares_list first_squares",
        "count",
        "List[int]",
        [
            "Return the list of squares of the integers from 1 to @a.",
            "List 1*1, 2*2 and so on up to @a*@a.",
        ],
        "return [i * i for i in range(1, @a + 1)]",
    ),
]
