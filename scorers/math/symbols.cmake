# The expression core and the moebius grader.
target_sources(moebius_scorers_math PRIVATE
  expression_node.cc evaluate.cc power.cc call.cc rewrite.cc matrix.cc
  modular.cc numeric.cc effort.cc same_value.cc
  parse.cc python_tokens.cc sympy_names.cc sympy_text.cc
  sympy_latex_lexer.cc sympy_latex_meaning.cc sympy_latex.cc latex2sympy.cc
  latex_lexer.cc latex_words.cc latex_meaning.cc latex.cc
  answer_parts.cc moebius_compare.cc moebius_extract.cc moebius_grader.cc)
target_link_libraries(moebius_scorers_math PUBLIC gmpxx gmp Boost::headers)

moebius_test(math_expression_test unit SOURCES expression_test.cc LIBS moebius_scorers_math)
moebius_test(math_moebius_test unit SOURCES moebius_test.cc LIBS moebius_scorers_math)
moebius_test(math_moebius_property_test property SOURCES moebius_property_test.cc
  LIBS moebius_scorers_math)
moebius_test(math_moebius_golden_test golden SOURCES moebius_golden_test.cc
  LIBS moebius_scorers_math nlohmann_json::nlohmann_json)
add_executable(math_bench math_bench.cc)
target_link_libraries(math_bench PRIVATE moebius_scorers_math benchmark::benchmark)
