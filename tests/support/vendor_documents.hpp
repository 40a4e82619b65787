// The vendors' documents, which lie beside the repository or where MIGRATE_SHARED says, if they do.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

/// Ends the test program as skipped.
[[noreturn]] inline void skip(const std::string& reason) {
  std::fprintf(stderr, "skipped: %s\n", reason.c_str());
  std::exit(77);
}

/// The folder of all of them; skips where `needed`, a path in it, is not there.
inline std::filesystem::path vendor_documents(const std::string& needed) {
  const char* named = std::getenv("MIGRATE_SHARED");
  const std::filesystem::path folder = named ? named : MIGRATE_SOURCE_DIR "/../shared";
  if (!std::filesystem::exists(folder / needed)) skip("there is no " + (folder / needed).string());
  return folder;
}

/// The same for those who check with a JSON schema; skips where Python has no library for that, too.
inline std::filesystem::path checkable_documents(const std::string& needed) {
  std::filesystem::path folder = vendor_documents(needed);
  if (std::system("python3 -W ignore -c 'import jsonschema' >/dev/null 2>&1") != 0)
    skip("python3-jsonschema is not installed");
  return folder;
}

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
