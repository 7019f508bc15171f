// What is computed of a load like MMLU's: many short questions, each behind the examples of its
// subject.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "engine/serving/scheduler.h"
#include "engine/serving/toy_stepper.h"

namespace moebius::engine {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kVocab = 50'000;  // questions hardly ever begin alike
constexpr std::int32_t kRows = 512;
constexpr std::int32_t kSubjects = 7;
constexpr std::int32_t kQuestions = 60;  // of each subject
constexpr std::int32_t kOpening = 11;    // tokens that all prompts begin with

/// Wants the best token after its last.
class Question : public Sequence {
 public:
  explicit Question(Ids prompt) {
    ids = std::move(prompt);
    first_head = static_cast<std::int32_t>(ids.size()) - 1;
    owner = this;
  }
  void ask(std::int32_t, StepHead& head) override { head.top = 1; }
  std::int32_t take(std::int32_t, StepResult&) override {
    ++answers;
    return kNone;
  }
  int answers = 0;
};

class Exam {
 public:
  Exam() {
    const Ids opening = tokens(kOpening);
    for (std::int32_t subject = 0; subject < kSubjects; ++subject) {
      Ids examples = opening;
      append(examples, tokens(500 + 37 * subject));
      prefix_rows_ += std::ssize(examples) - (subject == 0 ? 0 : kOpening);
      longest_ = std::max<std::int64_t>(longest_, std::ssize(examples));
      for (std::int32_t i = 0; i < kQuestions; ++i) {
        Ids prompt = examples;
        append(prompt, tokens(20 + static_cast<std::int32_t>(random_() % 100)));
        question_rows_ += std::ssize(prompt) - std::ssize(examples);
        all_rows_ += std::ssize(prompt);
        questions_.push_back(std::make_unique<Question>(std::move(prompt)));
      }
    }
  }

  /// In sets of so many questions, all there from the start.
  SchedulerCounts sit(std::int32_t pages, std::size_t set_size) {
    ToyStepper toy({.vocab = kVocab, .pages = pages, .max_rows = kRows, .max_heads = kRows});
    Scheduler scheduler(toy, {});
    std::vector<Sequence*> all;
    for (const auto& question : questions_) all.push_back(question.get());
    for (std::size_t at = 0; at < all.size(); at += set_size) {
      scheduler.add(std::span(all).subspan(at, std::min(set_size, all.size() - at)));
    }
    while (!scheduler.idle()) scheduler.step();
    for (const auto& question : questions_) {
      EXPECT_EQ(question->answers, 1);
      reported_ += question->first_head + 1 - question->cached_tokens;
    }
    return scheduler.counts();
  }

  std::int64_t ideal() const { return prefix_rows_ + question_rows_; }
  std::int64_t longest_prefix() const { return longest_; }
  std::int64_t without_sharing() const { return all_rows_; }
  std::int64_t reported() const { return reported_; }  // by cached_tokens

 private:
  Ids tokens(std::int32_t count) {
    Ids ids(static_cast<std::size_t>(count));
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random_() % kVocab);
    return ids;
  }
  static void append(Ids& to, const Ids& more) { to.insert(to.end(), more.begin(), more.end()); }

  std::mt19937 random_{11};
  std::vector<std::unique_ptr<Question>> questions_;
  std::int64_t prefix_rows_ = 0, question_rows_ = 0, all_rows_ = 0, longest_ = 0, reported_ = 0;
};

/// Rows that the few questions that happen to begin alike share on top.
constexpr std::int64_t kLuck = 10;

TEST(Sharing, EachPrefixIsComputedOnceInASet) {
  Exam exam;
  const SchedulerCounts counts = exam.sit(10'000, kSubjects * kQuestions);
  EXPECT_LE(counts.rows, exam.ideal());
  EXPECT_GE(counts.rows, exam.ideal() - kLuck);
  EXPECT_EQ(exam.reported(), counts.rows) << "what completions say is what was computed";
  EXPECT_LT(counts.rows * 5, exam.without_sharing());
}

/// Full but for the steps in which prefixes must be waited for: the opening, then the examples,
/// and the last one.
TEST(Sharing, StepsAreFull) {
  Exam exam;
  const SchedulerCounts counts = exam.sit(10'000, kSubjects * kQuestions);
  EXPECT_LE(counts.steps, counts.rows / kRows + 4);
}

/// Pages for a few questions beside the longest examples: nothing is evicted and computed again.
TEST(Sharing, AShortCacheComputesNothingTwice) {
  Exam exam;
  const auto pages = static_cast<std::int32_t>(exam.longest_prefix() / 64 + 1 + 3 + 12);
  const SchedulerCounts counts = exam.sit(pages, kSubjects * kQuestions);
  EXPECT_LE(counts.rows, exam.ideal());
  EXPECT_LE(counts.peak_pages, pages);
}

/// Sets do not share: each costs its questions' prefixes once more, and nothing else.
TEST(Sharing, SetsCostOnePrefixEach) {
  Exam exam;
  const std::size_t set_size = 100;
  const SchedulerCounts counts = exam.sit(10'000, set_size);
  const std::int64_t cuts = kSubjects * kQuestions / 100;
  EXPECT_LE(counts.rows, exam.ideal() + cuts * (exam.longest_prefix() + kOpening));
  EXPECT_EQ(exam.reported(), counts.rows);
  EXPECT_LE(counts.steps, counts.rows / kRows + 4);
}

}  // namespace
}  // namespace moebius::engine
