// Runs a fuzzer's entry point without libFuzzer: over each file of a corpus, then over seeded mutations of them.
//
//   fuzz_<name> CORPUS [MUTATIONS [FIRST_SEED]]
//   fuzz_<name> FILE
//
// MIGRATE_SEEDS in the environment is another number of mutations.
// When an input ends the program, its seed and the input itself (in crash-input) tell which one it was.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzzer.hpp"
#include "richtext_random.hpp"

namespace {

namespace fs = std::filesystem;
std::string current;
std::uint64_t seed = 0;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void run(const std::string& input) {
  current = input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current.data()), current.size());
}

/// The process is lost already; what can still be written helps.
void tell(int signal) {
  std::fprintf(stderr, "ended by signal %d at seed %llu; the input is in crash-input\n", signal,
               static_cast<unsigned long long>(seed));
  if (std::FILE* file = std::fopen("crash-input", "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// The pieces of a dictionary as libFuzzer reads it: "text" a line, with \xAB, \\ and \".
std::vector<std::string> pieces(const fs::path& dictionary) {
  std::vector<std::string> all;
  std::ifstream file(dictionary);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('"') || line.size() < 2) continue;
    std::string piece;
    for (std::size_t at = 1; at + 1 < line.size(); ++at) {
      if (line[at] == '\\' && line[at + 1] == 'x') {
        piece += static_cast<char>(std::stoi(line.substr(at + 2, 2), nullptr, 16));
        at += 3;
      } else {
        at += line[at] == '\\' ? 1 : 0;
        piece += line[at];
      }
    }
    all.push_back(piece);
  }
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "usage: %s CORPUS|FILE [MUTATIONS [FIRST_SEED]]\n", arguments[0]), 2;
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) std::signal(signal, tell);
  const fs::path path = arguments[1];
  if (fs::is_regular_file(path)) return run(content(path)), 0;
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const fs::path& file : files) {
    if (file.extension() == ".dict") continue;
    inputs.push_back(content(file));
    run(inputs.back());
  }
  if (inputs.empty()) return std::fprintf(stderr, "no files in %s\n", arguments[1]), 2;
  std::vector<std::string> words = pieces(path / "words.dict");
  words.emplace_back("\n");
  const std::uint64_t first = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1;
  const std::uint64_t mutations =
      migrate::richtext_tests::seeds(count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 0);
  for (seed = first; seed < first + mutations; ++seed) {
    migrate::richtext_tests::Dice dice(seed);
    run(migrate::richtext_tests::mutated(inputs[dice.below(inputs.size())], dice, words));
  }
  std::printf("%zu files, %llu mutations\n", inputs.size(), static_cast<unsigned long long>(mutations));
  return 0;
}
