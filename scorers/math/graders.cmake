# The named graders and extractors.
target_sources(moebius_scorers_math PRIVATE
  extract_answers.cc extract_boxed.cc extract_integer.cc extractors.cc
  grade_deepseek.cc grade_prm800k.cc grade_qwen.cc grade_strings.cc latex_shorthand.cc
  latex_symbols.cc latex_text.cc latex_text_macros.cc math_scorer.cc normalize_deepseek.cc normalize_hendrycks.cc
  normalize_minerva.cc normalize_prm800k.cc normalize_qwen.cc normalizers.cc reference_parts.cc registry.cc
  unit_words.cc word_number.cc)
target_link_libraries(moebius_scorers_math PRIVATE PkgConfig::UTF8PROC fmt::fmt)

moebius_test(scorers_graders_golden_test golden
  SOURCES graders_golden_test.cc normalizers_golden_test.cc
  LIBS moebius_scorers_math nlohmann_json::nlohmann_json ZLIB::ZLIB)
moebius_unity(scorers_graders_golden_test)
moebius_test(scorers_answers_test property
  SOURCES extract_test.cc math_scorer_test.cc normalizers_test.cc LIBS moebius_scorers_math)
