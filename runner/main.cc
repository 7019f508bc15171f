// The moebius binary: parses the command line, runs one subcommand, and turns whatever goes
// wrong into one line on standard error and an exit code.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <sstream>

#include "engine/text/tokenizer.h"
#include "runner/commands.h"
#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

/// Nothing is half-written when a command is interrupted: results go out as whole lines, and
/// commands that change files have an InterruptFlag. So the handler may leave at once.
extern "C" void on_interrupt(int /*signal*/) {
  constexpr std::string_view kLine = "moebius: interrupted\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  ::_exit(kInterrupted);
}

/// A file opened later must not become somebody's standard output.
void reserve_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Opened the wrong way round, so that using it fails as if it were closed.
    const int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", flags);
  }
}

void install_signals() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGPIPE, SIG_IGN);  // the failed write is reported instead
  std::signal(SIGXFSZ, SIG_IGN);
}

void require_utf8(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!engine::valid_utf8(argv[i])) {
      throw InputError(fmt::format("argument {}: not valid UTF-8: {}", i, one_line(argv[i])));
    }
  }
}

/// --help and --version are results too.
int print_and_leave(const CLI::App& app, const CLI::ParseError& request, Output& out) {
  std::ostringstream text;
  std::ostringstream unused;
  const int code = app.exit(request, text, unused);
  out.write(text.str());
  out.flush();
  return code;
}

/// CLI11 says only that a subcommand is missing when it does not know the one given.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  std::string what = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !unknown.empty()) {
    const char* kind = unknown.front().starts_with('-') ? "option" : "command";
    what = fmt::format("unknown {} '{}'", kind, unknown.front());
  }
  return what + " (--help shows what is possible)";
}

int run(int argc, char** argv, Output& out) {
  require_utf8(argc, argv);
  CLI::App app("Evaluates language models with an embedded, bit-reproducible engine.", "moebius");
  app.set_version_flag("--version", std::string("moebius ") + MOEBIUS_VERSION,
                       "Print the version and exit");
  const auto commands = add_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return print_and_leave(app, error, out);
    throw InputError(usage_error(app, error));
  }
  for (const auto& command : commands) {
    if (!command->chosen()) continue;
    const int code = command->run(out);
    out.flush();
    return code;
  }
  throw std::logic_error("no command chosen");  // require_subcommand() has made sure of one
}

int report(std::string_view what) {
  fmt::print(stderr, "moebius: {}\n", one_line(what));
  return kBadInput;
}

int guarded(int argc, char** argv) {
  Output out(STDOUT_FILENO);
  try {
    return run(argc, argv, out);
  } catch (const std::bad_alloc&) {
    return report("out of memory");
  } catch (const std::exception& error) {
    return report(error.what());
  }
}

}  // namespace
}  // namespace moebius::runner

int main(int argc, char** argv) {
  moebius::runner::reserve_standard_files();
  moebius::runner::install_signals();
  return moebius::runner::guarded(argc, argv);
}
