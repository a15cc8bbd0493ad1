// The command line as a person uses it: what it answers to mistakes, help, completion, the manual page,
// colours.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "cli/files.h"
#include "cli/process.h"
#include "cli/suggestion.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::vector<std::string> kCommands = {"convert", "live",    "extract", "pitch",  "export",     "index",
                                            "info",    "models",  "bench",   "help",   "completion", "man",
                                            "blend",   "compare", "voices",  "warmup", "serve",      "units"};

void expect_usage_error(const std::vector<std::string>& arguments, const std::string& first_line) {
  const Result result = run(arguments);
  EXPECT_EQ(result.code, 2) << first_line;
  EXPECT_EQ(result.out, "");
  ASSERT_FALSE(lines_of(result.err).empty());
  EXPECT_EQ(lines_of(result.err).front(), "contentvec: " + first_line);
}

/// The options in a command's help: "--out".
std::set<std::string> options_of(const std::string& command) {
  std::set<std::string> options;
  for (const std::string& line : lines_of(run({command, "--help"}).out)) {
    if (!line.starts_with("  -")) continue;
    std::istringstream names(line.substr(2, line.find(' ', 2) - 2));
    for (std::string name; std::getline(names, name, ',');) options.insert(name);
  }
  return options;
}

TEST(Usage, EditDistance) {
  EXPECT_EQ(cli::edit_distance("", "abc"), 3U);
  EXPECT_EQ(cli::edit_distance("extract", "extract"), 0U);
  EXPECT_EQ(cli::edit_distance("extrct", "extract"), 1U);
  EXPECT_EQ(cli::edit_distance("etxract", "extract"), 1U) << "two neighbours swapped";
  EXPECT_EQ(cli::edit_distance("kitten", "sitting"), 3U);
}

TEST(Usage, SuggestsWhatIsNear) {
  expect_usage_error({"extrct", "a.wav"}, "there is no command \"extrct\"; did you mean \"extract\"?");
  expect_usage_error({"exprot"}, "there is no command \"exprot\"; did you mean \"export\"?");
  expect_usage_error({"rec", "extrct"}, "there is no command \"rec\"");
  expect_usage_error({"transmogrify"}, "there is no command \"transmogrify\"");
  expect_usage_error({"--versoin"}, "there is no option --versoin; did you mean \"--version\"?");
  expect_usage_error({"extract", "a.wav", "--modle", "m.pt"},
                     "there is no option --modle; did you mean \"--model\"?");
  expect_usage_error({"extract", "--modle=m.pt", "a.wav"},
                     "there is no option --modle; did you mean \"--model\"?");
  expect_usage_error({"extract", "--skip"}, "there is no option --skip; did you mean \"--skip-existing\"?");
  expect_usage_error({"extract", "a.wav", "-x"}, "there is no option -x");
  expect_usage_error({"extract", "a.wav", "--zzzzzzz"}, "there is no option --zzzzzzz");
  expect_usage_error({"extract", "a.wav", "--normalize", "of"},
                     "--normalize: \"of\" is not one of auto, on, off; did you mean \"on\"?");
  expect_usage_error({"extract", "a.wav", "--device", "gup"},
                     "--device: \"gup\" is not one of cpu, mlx, gpu, auto; did you mean \"gpu\"?");
  expect_usage_error({"info", "a", "b", "c"}, "the argument \"b\" is one too many");
  expect_usage_error({"extract", "a.wav", "--out"}, "--out takes a value: --out PATH");
  expect_usage_error({"extract", std::string(100000, 'x'), "--" + std::string(100000, 'x')},
                     "there is no option --" + std::string(100000, 'x'));
}

/// Which was called convert once.
TEST(Usage, ConvertPointsToExport) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"convert", "m.pt", "m.safetensors", "--layout", "hf"},
           {"-q", "convert", "--dtype=f16", "synthetic:base", "m.safetensors"},
           {"convert", "hubert_base.pth"}}) {
    const Result result = run(line);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(lines_of(result.err),
                ElementsAre(HasSubstr("use `contentvec export` with the same arguments")));
  }
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"convert"}, {"convert", "a.wav"}, {"convert", "m.pt", "--voice=v.pth"}, {"export", "m.pt"}})
    EXPECT_THAT(run(line).err, Not(HasSubstr("with the same arguments"))) << line.back();
}

/// As a variable that is not set gives it.
TEST(Usage, AnEmptyValueIsNone) {
  const std::string problem = " is given without a value: \"\" stands for nothing";
  for (const char* option : {"--f0", "--index", "--model", "--pitch-model", "--plot", "--shard", "--out"}) {
    expect_usage_error({"convert", "a.wav", "--voice", "v.pth", option, ""}, option + problem);
    expect_usage_error({"convert", "a.wav", std::string(option) + "=", "--voice", "v.pth"}, option + problem);
  }
  expect_usage_error({"convert", "a.wav", "--voice", "v.pth", "-o", ""}, "--out" + problem);
  expect_usage_error({"convert", "", "--voice", "v.pth"}, "INPUT" + problem);
  expect_usage_error({"pitch", "a.wav", "--pitch-model", ""}, "--pitch-model" + problem);
  expect_usage_error({"info", ""}, "SPEC" + problem);
  expect_usage_error({"voices", ""}, "DIR" + problem);
}

TEST(Usage, NumbersAreNumbersInTheirRange) {
  expect_usage_error({"extract", "a.wav", "--batch-seconds", "nan"},
                     "--batch-seconds: \"nan\" is no number from 0 to 1000000000");
  for (const char* option : {"--batch-seconds", "--max-seconds", "--overlap"}) {
    for (const char* value : {"nan", "-nan", "NAN", "inf", "-1", "1e10", "x", ""})
      EXPECT_EQ(run({"extract", "a.wav", option, value}).code, 2) << option << " " << value;
  }
  expect_usage_error({"extract", "a.wav", "--index", "i", "--index-rate", "nan"},
                     "--index-rate: \"nan\" is no number from 0 to 1");
  expect_usage_error({"bench", "--seconds", "nan"}, "--seconds: \"nan\" is no number from 0.001 to 3600");
  expect_usage_error({"bench", "--runs", "1.5"}, "--runs: \"1.5\" is no whole number from 1 to 100000");
}

TEST(Usage, AnOptionGivenTwiceIsNotOneWithoutAValue) {
  expect_usage_error({"extract", "a.wav", "--out", "a", "--out", "b"},
                     "--out takes one value, and is given 2");
  expect_usage_error({"bench", "--runs", "1", "--runs", "2", "--runs", "3"},
                     "--runs takes one value, and is given 3");
}

TEST(Usage, HelpOfACommandInEveryWay) {
  for (const std::string& command : kCommands) {
    const Result result = run({"help", command});
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.out, run({command, "--help"}).out);
    EXPECT_EQ(result.out, run({command, "-h"}).out);
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(run({"help"}).out, HasSubstr("  " + command + " "));
  }
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  expect_usage_error(
      {"help", "extrct"},
      "COMMAND: \"extrct\" is not one of convert, live, serve, extract, pitch, export, index, units, blend, compare, "
      "voices, info, models, bench, warmup, completion, man, help; did you mean \"extract\"?");
}

TEST(Usage, ShortNames) {
  EXPECT_EQ(run({"-V"}).out, run({"--version"}).out);
  EXPECT_EQ(run({"-V"}).code, 0);
  EXPECT_THAT(options_of("extract"),
              testing::IsSupersetOf({"-o", "--out", "--output", "-q", "--quiet", "-v"}));
  EXPECT_EQ(run({"-q", "models"}).code, 0);
}

/// The page and the scripts are made from the definitions: nothing is missing from them.
TEST(Usage, TheManualPageHasEverything) {
  const Result page = run({"man"});
  EXPECT_EQ(page.code, 0);
  EXPECT_THAT(page.out, StartsWith(".TH CONTENTVEC 1"));
  const auto typed = [](std::string text) {
    for (size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
  };
  for (const std::string& command : kCommands) {
    EXPECT_THAT(page.out, HasSubstr(".SS \"contentvec " + command + "\""));
    for (const std::string& option : options_of(command)) EXPECT_THAT(page.out, HasSubstr(typed(option)));
  }
  for (const char* section : {".SH NAME", ".SH EXIT STATUS", ".SH ENVIRONMENT"}) {
    EXPECT_THAT(page.out, HasSubstr(section));
  }
  for (const std::string& line : lines_of(page.out)) EXPECT_FALSE(line.starts_with("'")) << line;
}

/// What bash offers for a line that ends where the cursor is.
std::vector<std::string> completions(const std::vector<std::string>& words) {
  TemporaryFolder folder;
  std::string line = "source <(" CONTENTVEC_PROGRAM " completion bash); COMP_WORDS=(";
  for (const std::string& word : words) line += "'" + word + "' ";
  line += "); COMP_CWORD=" + std::to_string(words.size() - 1) +
          "; _contentvec; printf '%s\\n' \"${COMPREPLY[@]}\"";
  return lines_of(run({"-c", line}, {.program = "/bin/bash"}).out);
}

TEST(Usage, BashCompletes) {
  if (!fs::exists("/bin/bash")) GTEST_SKIP() << "there is no bash here";
  EXPECT_THAT(completions({"contentvec", "ext"}), ElementsAre("extract"));
  EXPECT_THAT(completions({"contentvec", "extract", "--norm"}), ElementsAre("--normalize"));
  EXPECT_THAT(completions({"contentvec", "extract", "--normalize", ""}), ElementsAre("auto", "on", "off"));
  EXPECT_THAT(completions({"contentvec", "extract", "--preset", "rvc"}), ElementsAre("rvc-v1", "rvc-v2"));
  EXPECT_THAT(completions({"contentvec", "convert", "--preset", ""}),
              ElementsAre("rvc-webui", "applio", "mlx-rvc"));
  EXPECT_THAT(completions({"contentvec", "convert", "--voice", ""}), ElementsAre("")) << "files";
  EXPECT_THAT(completions({"contentvec", "pitch", "--method", ""}), ElementsAre("rmvpe", "fcpe"));
  EXPECT_THAT(completions({"contentvec", "export", "--dtype", ""}), ElementsAre("f32", "f16"));
  EXPECT_THAT(completions({"contentvec", "completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(completions({"contentvec", "help", "mod"}), ElementsAre("models"));
  EXPECT_THAT(completions({"contentvec", "extract", "--model", ""}), ElementsAre("")) << "files";
}

TEST(Usage, EveryShellsScriptHasEverything) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Result script = run({"completion", shell});
    EXPECT_EQ(script.code, 0);
    for (const std::string& command : kCommands) {
      EXPECT_THAT(script.out, HasSubstr(command)) << shell;
      for (const std::string& option : options_of(command)) {
        const bool long_name = option.starts_with("--");
        const std::string as_fish = (long_name ? "-l " : "-s ") + option.substr(long_name ? 2 : 1) + " ";
        EXPECT_THAT(script.out, HasSubstr(shell == "fish" ? as_fish : option)) << shell;
      }
    }
  }
  EXPECT_EQ(run({"completion", "tcsh"}).code, 2);
  EXPECT_EQ(run({"completion"}).code, 2);
}

/// Every shell that is here reads its script.
TEST(Usage, ShellsReadTheirScripts) {
  TemporaryFolder folder;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string program = std::string("/usr/bin/") + shell;
    if (!fs::exists(program)) continue;
    write_file(folder / shell, run({"completion", shell}).out);
    const Result result = run({"-n", (folder / shell).string()}, {.program = program});
    EXPECT_EQ(result.code, 0) << shell << result.err;
    EXPECT_EQ(result.err, "") << shell;
  }
}

/// What the program writes to standard error when that is a terminal.
std::string on_a_terminal(const std::vector<std::string>& arguments) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) return "no terminal";
  const std::string name = ptsname(terminal);
  const int kept_open = ::open(name.c_str(), O_RDWR | O_NOCTTY);
  (void)run(arguments, {.error = name});
  std::string text(65536, '\0');
  const ssize_t size = ::read(terminal, text.data(), text.size());
  ::close(kept_open);
  ::close(terminal);
  return text.substr(0, size > 0 ? static_cast<size_t>(size) : 0);
}

TEST(Usage, ColoursOnATerminalOnly) {
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  EXPECT_THAT(on_a_terminal({"extrct"}), StartsWith("\033[1;31mcontentvec:\033[0m there is no command"));
  EXPECT_THAT(run({"extrct"}).err, Not(HasSubstr("\033")));
  setenv("NO_COLOR", "1", 1);
  EXPECT_THAT(on_a_terminal({"extrct"}), StartsWith("contentvec: there is no command"));
  setenv("NO_COLOR", "", 1);
  EXPECT_THAT(on_a_terminal({"extrct"}), StartsWith("\033[1;31m")) << "empty is as if it were not set";
  setenv("TERM", "dumb", 1);
  EXPECT_THAT(on_a_terminal({"extrct"}), StartsWith("contentvec: there is no command"));
  unsetenv("NO_COLOR");
  unsetenv("TERM");
}

/// docs/command-line.md lists what --help does, no more and no less.
TEST(Usage, TheDocumentationListsEveryOption) {
  const std::string text = text_of(fs::path(CONTENTVEC_SOURCE_DIR) / "docs" / "command-line.md");
  for (const std::string& command : kCommands) {
    const size_t begin = text.find("## " + command + "\n");
    ASSERT_NE(begin, std::string::npos) << command;
    const std::string section = text.substr(begin, text.find("\n## ", begin) - begin);
    std::set<std::string> listed = {"-h",      "--help", "-q",
                                    "--quiet", "-v",     "--verbose"};  // said once, at the top
    for (const std::string& line : lines_of(section)) {
      if (!line.starts_with("| `-")) continue;
      std::istringstream names(line.substr(3, line.find('`', 3) - 3));
      for (std::string name; names >> name && name.starts_with('-');) {
        listed.insert(name.ends_with(',') ? name.substr(0, name.size() - 1) : name);
      }
    }
    EXPECT_EQ(listed, options_of(command)) << command;
  }
}

}  // namespace
}  // namespace contentvec::test
