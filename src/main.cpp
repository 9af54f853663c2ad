// The program: words in, exit status out. What escapes as an exception means that this process is broken.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "entrance/cli/verb.h"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argc > 0 ? argv + 1 : argv, argv + argc);
    const posthorn::cli::Exit status = posthorn::cli::run(words);
    if (std::fflush(stdout) != 0) return static_cast<int>(posthorn::cli::Exit::unavailable);
    return static_cast<int>(status);
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "posthorn: this process is broken: %s; please report it\n", broken.what());
    return static_cast<int>(posthorn::cli::Exit::unavailable);
  }
}
