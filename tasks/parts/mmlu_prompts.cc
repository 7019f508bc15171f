// The texts of MMLU's protocols.
#include "tasks/parts/mmlu_prompts.h"

#include "tasks/suite.h"

namespace moebius::tasks {
namespace {

constexpr const char* kLetters = "ABCD";

std::string with_choices(const std::string& question, const MmluQuestion& from,
                         const std::string& behind_letter) {
  std::string text = question;
  for (std::size_t i = 0; i < from.choices.size(); ++i) {
    text += std::string("\n") + kLetters[i] + behind_letter + from.choices[i];
  }
  return text;
}

std::string lettered(const std::string& question, const MmluQuestion& from) {
  return with_choices(question, from, ". ") + "\nAnswer:";
}

const MmluQuestion& shot(const MmluSubject& data, int i) {
  return data.dev[static_cast<std::size_t>(i)];
}

std::string letter_of(const MmluQuestion& question) {
  return {kLetters[question.gold]};
}

}  // namespace

std::string mmlu_original_prompt(const std::string& subject, const MmluSubject& data,
                                 const MmluQuestion& question, int shots) {
  // format_subject() of the reference puts a space before every word: hence two here.
  std::string text = "The following are multiple choice questions (with answers) about  " +
                     mmlu_subject_name(subject) + ".\n\n";
  for (int i = 0; i < shots; ++i) {
    const MmluQuestion& example = shot(data, i);
    text += lettered(example.question, example) + " " + letter_of(example) + "\n\n";
  }
  return text + lettered(question.question, question);
}

std::string mmlu_harness_prompt(const std::string& subject, const MmluSubject& data,
                                const MmluQuestion& question, int shots) {
  std::string text = "The following are multiple choice questions (with answers) about " +
                     mmlu_subject_name(subject) + ".\n\n";
  for (int i = 0; i < shots; ++i) {
    const MmluQuestion& example = shot(data, i);
    text += lettered(stripped(example.question), example) + " " + letter_of(example) + "\n\n";
  }
  return text + lettered(stripped(question.question), question);
}

std::string mmlu_text_prompt(const std::string& subject, const MmluSubject& data,
                             const MmluQuestion& question, int shots) {
  std::string text =
      "The following are questions (with answers) about " + mmlu_subject_name(subject) + ".\n\n";
  for (int i = 0; i < shots; ++i) {
    const MmluQuestion& example = shot(data, i);
    text += "Question: " + stripped(example.question) +
            "\nAnswer: " + example.choices[static_cast<std::size_t>(example.gold)] + "\n\n";
  }
  return text + "Question: " + stripped(question.question) + "\nAnswer:";
}

std::string mmlu_simple_evals_prompt(const MmluQuestion& question) {
  return "Answer the following multiple choice question. The last line of your response should be "
         "of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. "
         "Think step by step before answering.\n\n" +
         with_choices(question.question + "\n", question, ") ");
}

}  // namespace moebius::tasks
