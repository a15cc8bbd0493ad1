#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "bindings.h"
#include "cli/program.h"

namespace contentvec::python {
namespace {

int program(const std::vector<nb::bytes>& arguments) {
  std::vector<std::string> texts;
  for (const nb::bytes& argument : arguments) texts.emplace_back(argument.c_str(), argument.size());
  std::vector<const char*> argv;
  for (const std::string& text : texts) argv.push_back(text.c_str());
  if (argv.empty()) argv.push_back("contentvec");
  const OthersRun others_run;
  return cli::program(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

void bind_program(nb::module_& m) {
  m.def("program", &program, "arguments"_a,
        "The command line, the name of the program first. Takes over the signals: the process should end "
        "with it.");
}

}  // namespace contentvec::python
