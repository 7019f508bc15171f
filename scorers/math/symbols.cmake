# The expression core and the moebius grader.
target_sources(moebius_scorers_math PRIVATE
  expression_node.cc evaluate.cc power.cc call.cc rewrite.cc modular.cc numeric.cc same_value.cc
  parse.cc sympy_names.cc sympy_text.cc sympy_latex_lexer.cc sympy_latex.cc latex2sympy.cc latex.cc)
target_link_libraries(moebius_scorers_math PUBLIC gmpxx gmp Boost::headers)
