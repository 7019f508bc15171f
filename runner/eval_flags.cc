// Options of commands that load tasks and judge answers: eval, tasks, runs rescore, grade.
#include "runner/eval_flags.h"

#include <fmt/format.h>

#include <cstdlib>

#include "runner/flags.h"
#include "runner/output.h"

namespace moebius::runner {

void SandboxFlags::add(CLI::App& app) {
  app.add_option("--sandbox", level_,
                 "Isolation of model-written code; landlock: no namespaces, weaker")
      ->check(CLI::IsMember({"full", "landlock"}))
      ->capture_default_str();
  app.add_flag("--unsafe-no-sandbox", unsafe_,
               "Run model-written code with resource limits only; marks every result UNSANDBOXED");
  app.add_option("--python", python_, "Interpreter for model-written code")
      ->type_name("FILE")
      ->capture_default_str();
  add_number(app, "--workers", workers_, 0, 1024, "Programs run at a time; 0: from the cores");
}

scorers::sandbox::Options SandboxFlags::options() const {
  scorers::sandbox::Options options;
  options.level =
      level_ == "landlock" ? scorers::sandbox::Level::kLandlock : scorers::sandbox::Level::kFull;
  if (unsafe_) options.level = scorers::sandbox::Level::kNone;
  options.python = python_;
  options.workers = workers_;
  return options;
}

std::function<std::shared_ptr<scorers::sandbox::Sandbox>()> SandboxFlags::opener() {
  return [this] {
    if (!opened_) {
      if (unsafe_) {
        fmt::print(stderr,
                   "moebius: WARNING: model-written code runs without a sandbox; every result is "
                   "marked UNSANDBOXED\n");
      }
      opened_ = scorers::sandbox::open(options());
    }
    return opened_;
  };
}

std::string SandboxFlags::stamp() const {
  return opened_ ? scorers::sandbox::stamp(*opened_) : "";
}

void add_data_dir(CLI::App& app, std::string& data_dir) {
  const char* environment = std::getenv("MOEBIUS_DATA");
  if (environment != nullptr) data_dir = environment;
  app.add_option("--data-dir", data_dir,
                 "Folder that holds the benchmarks' files, at any depth ($MOEBIUS_DATA)")
      ->type_name("DIR");
}

void add_graders(CLI::App& app, std::string& grader, std::vector<std::string>& more) {
  std::vector<std::string> names;
  for (const char* name : scorers::math_grader_names()) names.emplace_back(name);
  app.add_option("--grader", grader,
                 "Math grader of the headline score; default: the task's own, moebius for most")
      ->check(CLI::IsMember(names));
  add_texts(app, "--more-graders", more, "A math grader whose verdict is stored too; repeatable");
}

}  // namespace moebius::runner
