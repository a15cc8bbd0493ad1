// The executable; the Python package has an entry of its own.

#include "cli/program.h"

int main(int argc, char** argv) {
  return contentvec::cli::program(argc, argv);
}
