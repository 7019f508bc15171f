# The named graders and extractors.
target_sources(moebius_scorers_math PRIVATE
  latex_shorthand.cc latex_symbols.cc latex_text.cc normalize_deepseek.cc normalize_hendrycks.cc
  normalize_minerva.cc normalize_prm800k.cc normalize_qwen.cc normalizers.cc unit_words.cc
  word_number.cc)
target_link_libraries(moebius_scorers_math PRIVATE PkgConfig::UTF8PROC fmt::fmt)

moebius_test(scorers_normalizers_golden_test golden SOURCES normalizers_golden_test.cc
  LIBS moebius_scorers_math nlohmann_json::nlohmann_json ZLIB::ZLIB)
