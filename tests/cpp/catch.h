// Catch2 with prefixed macros (torch defines CHECK), and what most tests need: a temporary folder,
// the shared data.
#pragma once

#define CATCH_CONFIG_PREFIX_ALL
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

namespace deepbio::test {

// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "deepbio_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// ../shared beside the checkout; tests that need it say so when it is not there.
inline bool has_shared() { return std::filesystem::exists(DEEPBIO_SHARED "/data"); }
inline std::string shared(const std::string& name) {
  return std::string(DEEPBIO_SHARED "/data/") + name;
}

}  // namespace deepbio::test

#define DEEPBIO_NEEDS_SHARED()                                     \
  if (!deepbio::test::has_shared()) {                              \
    CATCH_WARN("skipped: no ../shared/data beside this checkout"); \
    return;                                                        \
  }
