// Reads MMLU from its archives of CSV files.
#include "tasks/parts/mmlu_data.h"

#include <algorithm>
#include <filesystem>

#include "tasks/dataset.h"

namespace moebius::tasks {
namespace {

const std::vector<std::string> kHeader = {"question", "choice0", "choice1",
                                          "choice2",  "choice3", "answer"};

/// The answer of a record: one of the four characters of `answers`.
MmluQuestion question_of(const std::string& where, const CsvRecord& record,
                         const std::string& answers) {
  if (record.fields.size() != kHeader.size()) {
    throw Error(where + ": expected 6 fields, found " + std::to_string(record.fields.size()));
  }
  const std::string& answer = record.fields[5];
  if (answer.size() != 1 || answers.find(answer) == std::string::npos) {
    throw Error(where + ": answer: expected one of " + answers + ", found \"" + answer + "\"");
  }
  if (record.fields[0].empty()) throw Error(where + ": question: expected a text, found none");
  MmluQuestion question{.question = record.fields[0],
                        .gold = static_cast<int>(answers.find(answer))};
  std::copy_n(record.fields.begin() + 1, 4, question.choices.begin());
  return question;
}

struct Member {
  std::string subject;
  bool test = false;
};

/// Which part of the data a file of the archive is; an empty subject: none.
Member member_of(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string folder = file.parent_path().filename().string();
  const std::string stem = file.stem().string();
  if (file.extension() != ".csv" || (folder != "test" && folder != "dev") || stem[0] == '.') {
    return {};
  }
  const std::string end = "_" + folder;
  if (stem.size() <= end.size() || stem.substr(stem.size() - end.size()) != end) return {};
  return {stem.substr(0, stem.size() - end.size()), folder == "test"};
}

void check_complete(const std::string& path, const MmluData& data) {
  constexpr std::size_t kShots = 5;
  for (const auto& [subject, group] : mmlu_groups()) {
    const auto found = data.subjects.find(subject);
    if (found == data.subjects.end() || found->second.test.empty()) {
      throw Error(path + ": expected a file test/" + subject + "_test.csv, found none");
    }
    if (found->second.dev.size() != kShots) {
      throw Error(path + ": dev/" + subject + "_dev.csv: expected 5 rows, found " +
                  std::to_string(found->second.dev.size()));
    }
  }
}

}  // namespace

const std::map<std::string, std::string>& mmlu_groups() {
  static const std::map<std::string, std::string> groups = {
      {"abstract_algebra", "STEM"},
      {"anatomy", "other"},
      {"astronomy", "STEM"},
      {"business_ethics", "other"},
      {"clinical_knowledge", "other"},
      {"college_biology", "STEM"},
      {"college_chemistry", "STEM"},
      {"college_computer_science", "STEM"},
      {"college_mathematics", "STEM"},
      {"college_medicine", "other"},
      {"college_physics", "STEM"},
      {"computer_security", "STEM"},
      {"conceptual_physics", "STEM"},
      {"econometrics", "social sciences"},
      {"electrical_engineering", "STEM"},
      {"elementary_mathematics", "STEM"},
      {"formal_logic", "humanities"},
      {"global_facts", "other"},
      {"high_school_biology", "STEM"},
      {"high_school_chemistry", "STEM"},
      {"high_school_computer_science", "STEM"},
      {"high_school_european_history", "humanities"},
      {"high_school_geography", "social sciences"},
      {"high_school_government_and_politics", "social sciences"},
      {"high_school_macroeconomics", "social sciences"},
      {"high_school_mathematics", "STEM"},
      {"high_school_microeconomics", "social sciences"},
      {"high_school_physics", "STEM"},
      {"high_school_psychology", "social sciences"},
      {"high_school_statistics", "STEM"},
      {"high_school_us_history", "humanities"},
      {"high_school_world_history", "humanities"},
      {"human_aging", "other"},
      {"human_sexuality", "social sciences"},
      {"international_law", "humanities"},
      {"jurisprudence", "humanities"},
      {"logical_fallacies", "humanities"},
      {"machine_learning", "STEM"},
      {"management", "other"},
      {"marketing", "other"},
      {"medical_genetics", "other"},
      {"miscellaneous", "other"},
      {"moral_disputes", "humanities"},
      {"moral_scenarios", "humanities"},
      {"nutrition", "other"},
      {"philosophy", "humanities"},
      {"prehistory", "humanities"},
      {"professional_accounting", "other"},
      {"professional_law", "humanities"},
      {"professional_medicine", "other"},
      {"professional_psychology", "social sciences"},
      {"public_relations", "social sciences"},
      {"security_studies", "social sciences"},
      {"sociology", "social sciences"},
      {"us_foreign_policy", "social sciences"},
      {"virology", "other"},
      {"world_religions", "humanities"},
  };
  return groups;
}

std::string mmlu_subject_name(const std::string& subject) {
  std::string name = subject;
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::vector<Source> mmlu_sources() {
  return {{.file = "data.tar",
           .url = "https://people.eecs.berkeley.edu/~hendrycks/data.tar",
           .licence = "MIT",
           .sha256 = "bec563ba4bac1d6aaf04141cd7d1605d7a5ca833e38f994051e818489592989b",
           .rows = 14042,
           .note = "hendrycks/test, the authors' archive"},
          {.file = "mmlu_hf_csv_test_dev.tar.xz",
           .licence = "MIT (MMLU); the repository that holds the files: Apache-2.0",
           .sha256 = "3590c99d391e92bd4c38eff776c4ad06dcc9852c8446b2b7b66ff9b7f6005c0a",
           .rows = 14042,
           .note = "the Hugging Face form as CSV, test and dev, packed from "
                   "HaeChan0305/MLILAB-FedLLM at d92730e"}};
}

std::vector<MmluQuestion> parse_mmlu_csv(const std::string& name, const std::string& text) {
  const std::vector<CsvRecord> records = parse_csv(name, text);
  const bool header = !records.empty() && records.front().fields == kHeader;
  std::vector<MmluQuestion> questions;
  for (std::size_t i = header ? 1 : 0; i < records.size(); ++i) {
    questions.push_back(question_of(name + ":" + std::to_string(records[i].line), records[i],
                                    header ? "0123" : "ABCD"));
  }
  return questions;
}

MmluData load_mmlu(const std::vector<DataFile>& files) {
  if (files.size() != 1)
    throw Error("mmlu: expected one archive, found " + std::to_string(files.size()));
  const std::string& path = files.front().path;
  MmluData data{.sha256 = joined_sha256(files)};
  UniqueIds ids;
  each_member(
      path, [](const std::string& name) { return !member_of(name).subject.empty(); },
      [&](const std::string& name, const std::string& text) {
        const Member member = member_of(name);
        const std::string where = path + "!" + name;
        ids.add(member.subject + (member.test ? "_test" : "_dev"), where);
        if (mmlu_groups().count(member.subject) == 0) {
          throw Error(where + ": expected one of MMLU's 57 subjects, found another");
        }
        MmluSubject& subject = data.subjects[member.subject];
        (member.test ? subject.test : subject.dev) = parse_mmlu_csv(where, text);
      });
  check_complete(path, data);
  return data;
}

}  // namespace moebius::tasks
