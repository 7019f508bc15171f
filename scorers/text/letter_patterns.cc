// "Answer:" in the languages of simple-evals, in its order: the first that matches decides.
#include "scorers/text/letter.h"

namespace moebius::scorers::text {
namespace {

// Source: openai/simple-evals common.py, MULTILINGUAL_ANSWER_REGEXES. \s is Python's. Combining
// marks and the invisible characters of the second are written by number.
constexpr const char* kAnswerPrefixes[] = {
    R"(Answer\s*:)",
    R"(Answer\s*:\x{200b}\x{200b}\x{200b}\x{200b}\x{200b}\x{200b})",
    R"(উত্তর\s*:)",
    R"(उत्तर\s*:)",
    R"(উত্তরঃ)",
    R"(উত্তর\s*:)",
    R"(Antwort\s*:)",
    R"(답변\s*:)",
    R"(정답\s*:)",
    R"(답\s*:)",
    R"(答案\s*：)",
    R"(答案\s*:)",
    R"(答\s*：)",
    R"(答\s*:)",
    R"(答复\s*：)",
    R"(答曰\s*：)",
    R"(الإجابة:)",
    R"(الجواب:)",
    R"(إجابة:)",
    R"(الإجابة النهائية:)",
    R"(الإجابة الصحيحة:)",
    R"(الإجابة الصحيحة هي:)",
    R"(الإجابة هي:)",
    R"(الجواب النهائي:)",
    R"(Respuesta\s*:)",
    R"(Risposta\s*:)",
    R"(答え\s*:)",
    R"(答え\s*：)",
    R"(回答\s*:)",
    R"(回答\s*：)",
    R"(解答\s*:)",
    R"(Jawaban\s*:)",
    R"(Réponse\s*:)",
    R"(Resposta\s*:)",
    R"(Jibu\s*:)",
    R"(Idahun\s*:)",
    R"(Ìdáhùn\s*:)",
    R"(Idáhùn\s*:)",
    R"(A\x{300}mọ\x{300}na\x{300}\s*:)",
    R"(Àdáhùn\s*:)",
    R"(A\x{300}nu\x{301}go\x{323}\s*:)",
    R"(Àṣàyàn\s*:)",
};

}  // namespace

std::span<const char* const> answer_prefixes() {
  return kAnswerPrefixes;
}

}  // namespace moebius::scorers::text
