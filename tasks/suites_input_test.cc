// What the suites read: own small files of each form, whole and malformed.
#include <gtest/gtest.h>

#include "tasks/parts/aime_data.h"
#include "tasks/parts/livecodebench_data.h"
#include "tasks/parts/mmlu_data.h"
#include "tasks/task.h"
#include "tasks/testing/fake_scorers.h"
#include "tasks/testing/files.h"
#include "tests/support/temp_dir.h"

namespace moebius::tasks {
namespace {

using testing::error_of;
using testing::given_to;
using tests::TempDir;

Options own(const std::string& files) {
  Options options;
  options.values = {{"files", files}, {"allow_unpinned", "1"}};
  return options;
}

/// The error of a task given one own file of this content.
std::string refusal(const std::string& task, const std::string& name, const std::string& text) {
  const TempDir dir;
  const std::string path = dir.write(name, text);
  const std::string error = error_of([&] { find_task(task).load(own(path)); });
  EXPECT_EQ(error.find(path), 0U) << error;
  return error.substr(std::min(path.size(), error.size()));
}

TEST(OwnFiles, MustBeAllowedAndAreMarked) {
  const TempDir dir;
  const std::string path = dir.write("h.jsonl", R"({"task_id":"x/0","prompt":"def f():\n",)"
                                                R"("entry_point":"f","test":"def check(c): pass"})"
                                                "\n");
  Options options = own(path);
  const SampleSet set = find_task("humaneval").load(options).front();
  EXPECT_EQ(set.data_sha256.find("unpinned:"), 0U);
  EXPECT_EQ(set.samples.size(), 1U);
  options.values.erase("allow_unpinned");
  EXPECT_NE(error_of([&] { find_task("humaneval").load(options); }).find("allow_unpinned=1"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              find_task("humaneval").load(own(dir.file("none")));
            }).find("none: cannot be opened"),
            std::string::npos);
  EXPECT_NE(error_of([&] { find_task("humaneval").load(own(",")); }).find("expected paths"),
            std::string::npos);
}

TEST(HumanEval, RefusesMalformedRows) {
  const std::string good = R"({"task_id":"x/0","prompt":"p","entry_point":"f","test":"t"})"
                           "\n";
  EXPECT_EQ(refusal("humaneval", "h.jsonl", good + "{}\n"), ":2: no field \"task_id\"");
  EXPECT_NE(refusal("humaneval", "h.jsonl", good + good).find(":2: expected each id once"),
            std::string::npos);
  EXPECT_EQ(refusal("humaneval", "h.jsonl",
                    R"({"task_id":"x/0","prompt":["p"],"entry_point":"f","test":"t"})"),
            ":1: field \"prompt\": expected a string, found [\"p\"]");
  EXPECT_EQ(refusal("humaneval", "h.jsonl", good.substr(0, 30)),
            ":1: expected JSON, found a syntax error at byte 31");
  EXPECT_EQ(refusal("humaneval", "h.jsonl", "{\"task_id\":\"\xff\"}"),
            ":1: expected UTF-8, found other bytes");
}

TEST(Math500, RefusesMalformedRows) {
  const auto row = [](const std::string& level) {
    return R"({"problem":"p","answer":"1","subject":"Algebra","level":)" + level +
           R"(,"unique_id":"test/1"})"
           "\n";
  };
  EXPECT_EQ(refusal("math500", "m.jsonl", row("6")),
            ":1: field \"level\": expected 1 to 5, found \"6\"");
  EXPECT_EQ(refusal("math500", "m.jsonl", row("\"Level ?\"")),
            ":1: field \"level\": expected 1 to 5, found \"Level ?\"");
  EXPECT_NE(refusal("math500", "m.jsonl", row("2") + row("\"Level 3\"")).find("each id once"),
            std::string::npos);
}

TEST(Math, RefusesMalformedRows) {
  const std::string head = ",Question,Answer\n";
  EXPECT_EQ(refusal("math", "m.csv", "Question,Answer\n"),
            ":1: expected the header \",Question,Answer\", found another line");
  EXPECT_EQ(refusal("math", "m.csv", head + "0,q\n"), ":2: expected 3 fields, found 2");
  EXPECT_EQ(refusal("math", "m.csv", head + "0,\"q\n\",a\n2,q,a\n"),
            ":4: expected number 1, found \"2\"");
  EXPECT_EQ(refusal("math", "m.csv", head + "0,q,\n"),
            ":2: expected a question and an answer, found an empty field");
}

TEST(Aime, RefusesMalformedRows) {
  const auto row = [](const std::string& more) { return "{\"problem\":\"p\"," + more + "}\n"; };
  EXPECT_EQ(refusal("aime25", "a.jsonl", row("\"answer\":\"1000\"")),
            ":1: field \"answer\": expected an integer from 0 to 999, found \"1000\"");
  EXPECT_EQ(refusal("aime25", "a.jsonl", row("\"answer\":-1")),
            ":1: field \"answer\": expected an integer from 0 to 999, found \"-1\"");
  EXPECT_EQ(refusal("aime25", "a.jsonl", row("\"answer\":1")), ": expected 30 problems, found 1");
  EXPECT_EQ(refusal("aime25", "a.jsonl", row("\"answer\":1,\"id\":\"II-1\"")),
            ":1: field \"id\": expected I-1, found \"II-1\"");
  EXPECT_EQ(refusal("aime24", "a.jsonl",
                    row("\"answer\":1") +
                        row("\"answer\":1,\"url\":\"w/2024_AIME_I_Problems/Problem_2\"")),
            ":2: field \"url\": expected the address of problem I-10, found "
            "\"w/2024_AIME_I_Problems/Problem_2\"");
  std::string many;
  for (int i = 0; i < 31; ++i) many += row("\"answer\":1");
  EXPECT_EQ(refusal("aime25", "a.jsonl", many), ":31: expected 30 problems, found more");
  EXPECT_EQ(aime_answer("025"), 25);
  EXPECT_EQ(aime_answer("0"), 0);
  for (const char* bad : {"", "12a", "00025", "1000", " 1", "1.0"}) EXPECT_EQ(aime_answer(bad), -1);
}

TEST(MmluCsv, ReadsBothFormsAsPlainText) {
  const auto letters = parse_mmlu_csv("f", "q,None,0,2.0, x,C\n");
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].choices, (std::array<std::string, 4>{"None", "0", "2.0", " x"}));
  EXPECT_EQ(letters[0].gold, 2);
  const auto digits =
      parse_mmlu_csv("f", "question,choice0,choice1,choice2,choice3,answer\nq,None,0,2.0, x,2\n");
  ASSERT_EQ(digits.size(), 1U);
  EXPECT_EQ(digits[0].choices, letters[0].choices);
  EXPECT_EQ(digits[0].gold, 2);
}

TEST(MmluCsv, RefusesMalformedRows) {
  EXPECT_EQ(error_of([] { parse_mmlu_csv("f", "q,a,b,c,d,A\nq,a,b,c,A\n"); }),
            "f:2: expected 6 fields, found 5");
  EXPECT_EQ(error_of([] { parse_mmlu_csv("f", "q,a,b,c,d,E\n"); }),
            "f:1: answer: expected one of ABCD, found \"E\"");
  EXPECT_EQ(error_of([] { parse_mmlu_csv("f", "q,a,b,c,d,1\n"); }),
            "f:1: answer: expected one of ABCD, found \"1\"");
  EXPECT_EQ(error_of([] {
              parse_mmlu_csv("f", "question,choice0,choice1,choice2,choice3,answer\nq,a,b,c,d,4\n");
            }),
            "f:2: answer: expected one of 0123, found \"4\"");
  EXPECT_EQ(error_of([] { parse_mmlu_csv("f", ",a,b,c,d,A\n"); }),
            "f:1: question: expected a text, found none");
}

/// An archive in the authors' form: 57 subjects, headerless.
std::vector<std::pair<std::string, std::string>> berkeley() {
  std::vector<std::pair<std::string, std::string>> files = {{"data/README.txt", "read me"},
                                                            {"data/test/._x_test.csv", "junk"}};
  for (const auto& [subject, group] : mmlu_groups()) {
    std::string dev;
    for (int i = 0; i < 5; ++i) dev += "d" + std::to_string(i) + ",a,b,c,d,B\n";
    files.emplace_back("data/dev/" + subject + "_dev.csv", dev);
    files.emplace_back("data/val/" + subject + "_val.csv", "not,read");
    files.emplace_back("data/test/" + subject + "_test.csv", " q \xc2\xa0,a,b,c,d,C\n");
  }
  return files;
}

std::string tar_error(const std::vector<std::pair<std::string, std::string>>& files) {
  const TempDir dir;
  const std::string path = dir.file("data.tar");
  testing::write_tar(path, false, files);
  const std::string error = error_of([&] { find_task("mmlu").load(own(path)); });
  return error.substr(std::min(path.size(), error.size()));
}

TEST(Mmlu, ReadsTheAuthorsArchive) {
  const TempDir dir;
  const std::string path = dir.file("data.tar");
  testing::write_tar(path, false, berkeley());
  Options options = own(path);
  options.variants = {"all"};
  const auto sets = find_task("mmlu").load(options);
  ASSERT_EQ(sets.size(), 4U);
  ASSERT_EQ(sets[0].samples.size(), 57U);
  const Sample& original = sets[0].samples[0];
  EXPECT_EQ(original.item, "abstract_algebra/0");
  EXPECT_EQ(original.cluster, "abstract_algebra");
  EXPECT_EQ(original.stratum, "STEM");
  EXPECT_EQ(original.target, "C");
  ASSERT_EQ(original.asks.size(), 6U);
  EXPECT_EQ(
      original.asks[4].text,  // one example is left
      "The following are multiple choice questions (with answers) about  abstract algebra.\n\n"
      "d0\nA. a\nB. b\nC. c\nD. d\nAnswer: B\n\n"
      " q \xc2\xa0\nA. a\nB. b\nC. c\nD. d\nAnswer:");
  EXPECT_EQ(sets[1].samples[0].asks[5].text,
            "The following are multiple choice questions (with answers) about abstract algebra.\n\n"
            "q\nA. a\nB. b\nC. c\nD. d\nAnswer:");
  EXPECT_EQ(sets[2].samples[0].asks[4].text,
            "The following are questions (with answers) about abstract algebra.\n\n"
            "Question: d0\nAnswer: b\n\nQuestion: q\nAnswer:");
  EXPECT_EQ(sets[2].samples[0].asks[4].continuations,
            (std::vector<std::string>{" a", " b", " c", " d"}));
  EXPECT_EQ(given_to(sets[2].samples[0].scorers[0]).at("norm"), "1");  // per byte
  EXPECT_EQ(sets[3].samples[0].asks[0].chat[0].content,
            "Answer the following multiple choice question. The last line of your response should "
            "be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of "
            "ABCD. Think step by step before answering.\n\n q \xc2\xa0\n\nA) a\nB) b\nC) c\nD) d");
}

TEST(Mmlu, RefusesOtherArchives) {
  auto files = berkeley();
  files.emplace_back("data/test/cooking_test.csv", "q,a,b,c,d,A\n");
  EXPECT_EQ(tar_error(files),
            "!data/test/cooking_test.csv: expected one of MMLU's 57 subjects, found another");
  files = berkeley();
  files.emplace_back("more/test/anatomy_test.csv", "q,a,b,c,d,A\n");
  EXPECT_NE(tar_error(files).find("!more/test/anatomy_test.csv: expected each id once"),
            std::string::npos);
  files = berkeley();
  files.pop_back();
  EXPECT_EQ(tar_error(files), ": expected a file test/world_religions_test.csv, found none");
  files = berkeley();
  files[2].second = "d,a,b,c,d,A\n";
  EXPECT_EQ(tar_error(files), ": dev/abstract_algebra_dev.csv: expected 5 rows, found 1");
}

// ---- LiveCodeBench --------------------------------------------------------------------

std::string lcb_row(const std::string& id, const std::string& date, const std::string& tests,
                    const std::string& more = "") {
  return R"({"question_id":")" + id + R"(","question_title":"t","question_content":"c",)" +
         R"("platform":"p","contest_id":"k","contest_date":")" + date +
         R"(","starter_code":"","difficulty":"easy","metadata":"{}","public_test_cases":")" +
         tests + "\"" + more + "}\n";
}
const char* const kOneTest = R"([{\"input\":\"1\",\"output\":\"2\",\"testtype\":\"stdin\"}])";

TEST(LiveCodeBench, AsksByReleaseWindowAndTests) {
  const TempDir dir;
  const std::string path = dir.write(
      "t.jsonl", lcb_row("b", "2024-08-31T18:30:00", kOneTest) +
                     lcb_row("a", "2024-08-31T00:00:00", kOneTest) +
                     lcb_row("abc387_a", "2025-01-04T00:00:00", kOneTest,
                             std::string(R"(,"private_test_cases":")") + kOneTest + "\"") +
                     lcb_row("z", "2024-08-30", "[]"));
  const auto items = [&](std::map<std::string, std::string> values) {
    Options options = own(path);
    options.values.insert(values.begin(), values.end());
    std::string text;
    const auto sets = find_task("livecodebench").load(options);
    for (const Sample& sample : sets.front().samples) {
      text += sample.item + "=" + sample.target + "," + sample.tags.at("tests") + " ";
    }
    return text;
  };
  EXPECT_EQ(items({}), "a=1 tests,public abc387_a=2 tests,all b=1 tests,public ");
  EXPECT_EQ(items({{"end", "2024-08-31"}}), "a=1 tests,public ");
  EXPECT_EQ(items({{"start", "2024-08-31T18:30:00"}, {"tests", "public"}}),
            "abc387_a=1 tests,public b=1 tests,public ");
  EXPECT_EQ(items({{"release", "v5"}, {"start", "2024-08-31T18:30:00"}}), "b=1 tests,public ");
  EXPECT_NE(error_of([&] {
              items({{"tests", "all"}});
            }).find("expected private tests"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              items({{"start", "2026-01-01"}});
            }).find("expected problems"),
            std::string::npos);
  EXPECT_EQ(error_of([&] {
              items({{"start", "1.1.2024"}});
            }),
            "livecodebench: option start: expected a date like 2024-08-01 or a time like "
            "2024-08-24T18:30:00, found \"1.1.2024\"");
  const SampleSet set = find_task("livecodebench").load(own(path)).front();
  ASSERT_EQ(set.notes.size(), 2U);
  EXPECT_EQ(set.notes[0], "left out, without any test: z");
  EXPECT_EQ(set.notes[1],
            "public tests alone decide 2 of 3 problems: not comparable with published scores");
}

TEST(LiveCodeBench, RefusesMalformedRows) {
  EXPECT_EQ(refusal("livecodebench", "t.jsonl", lcb_row("a", "yesterday", kOneTest)),
            ":1: field \"contest_date\": expected a date like 2024-08-01 or a time like "
            "2024-08-24T18:30:00, found \"yesterday\"");
  EXPECT_EQ(refusal("livecodebench", "t.jsonl", lcb_row("a", "2024-08-31", "[{}]")),
            ":1: field \"public_test_cases\"[0]: no field \"testtype\"");
  EXPECT_NE(refusal("livecodebench", "t.jsonl",
                    lcb_row("a", "2024-08-31", kOneTest, ",\"private_test_cases\":\"gASV\""))
                .find(":1: field \"private_test_cases\": expected one zlib stream"),
            std::string::npos);
  EXPECT_NE(refusal("livecodebench", "t.jsonl",
                    lcb_row("a", "2024-08-31", kOneTest) + lcb_row("a", "2024-08-31", kOneTest))
                .find(":2: expected each id once"),
            std::string::npos);
  std::string functional = lcb_row("a", "2024-08-31", kOneTest);
  functional.replace(functional.find("\"{}\""), 4, R"("{\"func_name\":\"f\"}")");
  EXPECT_EQ(refusal("livecodebench", "t.jsonl", functional),
            ":1: field \"metadata\": expected no func_name without starter code, found the "
            "opposite");
}

}  // namespace
}  // namespace moebius::tasks
