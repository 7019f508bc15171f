// The completion scripts, run by the shells they are for.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/binary.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {
namespace {

/// What bash offers for the words typed so far, the last of which is unfinished.
std::string bash_offers(const std::vector<std::string>& words) {
  const ProcessResult script = moebius({"completion", "bash"});
  EXPECT_EQ(script.exit_code, 0);
  std::string program = script.out + "\nCOMP_WORDS=(moebius";
  for (const std::string& word : words) program += " '" + word + "'";
  program += ")\nCOMP_CWORD=" + std::to_string(words.size()) +
             "\n_moebius\nprintf '%s ' \"${COMPREPLY[@]}\"\n";
  const ProcessResult result = run_process({"/bin/bash", "-u", "-c", program});
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(CompletionScript, BashOffersWhatFits) {
  if (!std::filesystem::exists("/bin/bash")) GTEST_SKIP() << "no /bin/bash";
  EXPECT_EQ(bash_offers({"gen"}), "generate ");
  EXPECT_EQ(bash_offers({"model", ""}), "info verify quantize --help ");
  EXPECT_EQ(bash_offers({"generate", "--arithmetic", ""}), "f32 bf16 ");
  EXPECT_EQ(bash_offers({"generate", "--kv-cache-dtype", ""}), "f32 bf16 fp8 ");
  EXPECT_EQ(bash_offers({"generate", "--prompt", "model", "--max-b"}), "--max-batch-rows ");
  EXPECT_EQ(bash_offers({"completion", "f"}), "fish ");
  EXPECT_EQ(bash_offers({"eval", "--sha"}), "--shard ");
  EXPECT_EQ(bash_offers({"runs", "merge", "--f"}), "--fail-budget ");
  EXPECT_EQ(bash_offers({"compare", "3", "last", "--format", ""}),
            "text markdown json junit html ");
  EXPECT_EQ(bash_offers({"diff", "emb"}), "embedded ");
  EXPECT_EQ(bash_offers({"diff", "embedded", "x", "--candidate-a"}), "--candidate-arithmetic ");
  EXPECT_EQ(bash_offers({"gate", "--c"}), "--config --comment ");
  EXPECT_EQ(bash_offers({"generate", "--model", "emb"}), "embedded ");
}

TEST(CompletionScript, OtherShellsCanReadTheirs) {
  const TempDir dir;
  int checked = 0;
  for (const std::string shell : {"zsh", "fish"}) {
    const ProcessResult script = moebius({"completion", shell});
    EXPECT_EQ(script.exit_code, 0);
    const std::string path = "/usr/bin/" + shell;
    if (!std::filesystem::exists(path)) continue;
    const ProcessResult result = run_process({path, "-n", dir.write(shell, script.out)});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "neither zsh nor fish is installed";
}

}  // namespace
}  // namespace moebius::tests
