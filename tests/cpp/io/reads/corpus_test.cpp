// The shared corpus of sequence files, each with a verdict reached by a strict reader of its own
// and by other tools.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>
#include <set>

#include "base/chosen_simd.h"
#include "catch.h"
#include "io/bytes/chosen_inflate.h"
#include "io/reads/sha256.h"
#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/reads/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// All that is listed of a file that was read, or the error that ended it.
struct Outcome {
  int64_t records = 0, bases = 0, min_len = -1, max_len = 0, quality_sum = 0;
  uLong crc = 0;                                      // of all texts and lengths
  std::string upper, exact, ids, headers, qualities;  // SHA-256, only of files read to the end
  std::optional<ParseError> error;
};

// SHA-256 of texts with a line feed between them.
struct Joined {
  test::Sha256 hash;
  bool is_first = true;
  void add(std::string_view text) {
    if (!is_first) hash.add("\n");
    is_first = false;
    hash.add(text);
  }
};

std::string upper_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// The whole title: name and description lie one behind the other in it.
std::string_view title_of(const RecordView& record) {
  if (record.description.empty()) return record.name;
  const char* const end = record.description.data() + record.description.size();
  return {record.name.data(), static_cast<size_t>(end - record.name.data())};
}

Outcome read_outcome(const std::string& path, const OpenOptions& open, bool has_hashes) {
  Outcome out;
  Joined upper, exact, ids, headers, qualities;
  try {
    FastxReader reader(path, {.open = open});
    for (RecordView record; reader.next(record); ++out.records) {
      const auto length = static_cast<int64_t>(record.sequence.size());
      out.bases += length;
      out.min_len = out.min_len < 0 ? length : std::min(out.min_len, length);
      out.max_len = std::max(out.max_len, length);
      for (const unsigned char quality : record.quality) out.quality_sum += quality;
      for (const std::string_view text :
           {title_of(record), record.name, record.sequence, record.quality}) {
        const uint64_t size = text.size();
        out.crc = crc32(out.crc, reinterpret_cast<const Bytef*>(&size), sizeof size);
        out.crc = crc32_z(out.crc, reinterpret_cast<const Bytef*>(text.data()), text.size());
      }
      if (!has_hashes) continue;
      upper.add(upper_case(record.sequence));
      exact.add(record.sequence);
      ids.add(record.name);
      headers.add(title_of(record));
      qualities.add(record.quality);
    }
    if (!has_hashes) return out;
    out.upper = upper.hash.hex();
    out.exact = exact.hash.hex();
    out.ids = ids.hash.hex();
    out.headers = headers.hash.hex();
    out.qualities = qualities.hash.hex();
  } catch (const ParseError& error) {
    out.error = error;
  }
  return out;
}

// The listed values that differ, as text; empty when all agree.
std::string differences(const Json& expected, const Outcome& out) {
  std::string wrong;
  const auto compare = [&](const char* key, int64_t value) {
    const Json* listed = expected.find(key);
    if (listed != nullptr && listed->is_int() && listed->as_int() != value) {
      wrong +=
          std::string(" ") + key + " " + std::to_string(value) + ", listed " + listed->dump() + ";";
    }
  };
  const auto compare_hash = [&](const char* key, const std::string& value) {
    const Json* listed = expected.find(key);
    if (listed != nullptr && listed->is_string() && !value.empty() &&
        listed->as_string() != value) {
      wrong += std::string(" ") + key + ";";
    }
  };
  compare("records", out.records);
  compare("bases", out.bases);
  compare("qual_byte_sum", out.quality_sum);
  if (out.records > 0) {
    compare("min_len", out.min_len);
    compare("max_len", out.max_len);
  }
  compare_hash("sha256_seq_upper", out.upper);
  compare_hash("sha256_seq_exact", out.exact);
  compare_hash("sha256_ids", out.ids);
  compare_hash("sha256_headers", out.headers);
  compare_hash("sha256_qual", out.qualities);
  return wrong;
}

// A file of another compression may be called that instead of text without a title, where the
// corpus lists both.
bool names_other_compression(const Json& file, const ParseError& error) {
  const bool is_zip = error.expected() == "a whole zip archive";
  const bool is_named = is_zip || error.got().find("decompress it first") != std::string::npos;
  if (error.kind() != ErrorKind::kContainer || !is_named) return false;
  const auto& codes = file.at("error_any_of").as_array();
  return std::any_of(codes.begin(), codes.end(), [](const Json& code) {
    return code.as_string() == "E_UNSUPPORTED_COMPRESSION";
  });
}

const Json& corpus() {
  static const Json corpus = [] {
    const std::string path = test::shared("sequences/expected.json");
    return Json::parse(test::read_text(path), path);
  }();
  return corpus;
}

// No values are listed of a file in zstd: those of the good file that was compressed, or nullptr.
const Json* plain_of(const Json& file) {
  constexpr std::string_view kFrom = "policy/", kEnd = ".zst";
  const std::string& name = file.at("path").as_string();
  if (!name.starts_with(kFrom) || !name.ends_with(kEnd)) return nullptr;
  const std::string plain =
      "valid/" + name.substr(kFrom.size(), name.size() - kFrom.size() - kEnd.size());
  for (const Json& each : corpus().at("files").as_array())
    if (each.at("path").as_string() == plain) return &each;
  return nullptr;
}

// What is wrong with the outcome of a file, "" when it is as listed.
std::string disagreement(const Json& file, const Outcome& out) {
  const std::string& verdict = file.at("verdict").as_string();
  if (verdict == "reject") {
    if (!out.error) return " accepted";
    const std::string& family = file.at("error_family").as_string();
    if (!names_other_compression(file, *out.error) && to_string(out.error->kind()) != family) {
      return " not of family " + family + ": " + out.error->what();
    }
    const int64_t whole = file.at("whole_records_before_error").as_int();
    return out.records <= whole ? "" : " gave more records than are whole";
  }
  if (out.error) {
    if (file.find("allowed_errors") != nullptr) return "";
    return std::string(" refused: ") + out.error->what();
  }
  if (verdict == "resource") {
    const Json* values = file.find("if_accept");
    return values == nullptr ? " accepted" : differences(*values, out);
  }
  const Json* listed = file.find("records") == nullptr ? plain_of(file) : &file;
  return listed == nullptr ? " accepted without listed values" : differences(*listed, out);
}

std::vector<const Json*> files_of(const std::set<std::string>& verdicts) {
  std::vector<const Json*> files;
  for (const Json& file : corpus().at("files").as_array()) {
    if (verdicts.contains(file.at("verdict").as_string())) files.push_back(&file);
  }
  return files;
}

const std::string& name_of(const Json& file) { return file.at("path").as_string(); }
std::string path_of(const Json& file) { return test::shared("sequences/" + name_of(file)); }

// Reads every file of the verdict and fails with the list of those that disagree.
void check_corpus(const std::string& verdict, size_t num_expected) {
  std::string complaints;
  const auto files = files_of({verdict});
  for (const Json* file : files) {
    const std::string wrong = disagreement(*file, read_outcome(path_of(*file), {}, true));
    if (!wrong.empty()) complaints += name_of(*file) + ":" + wrong + "\n";
  }
  CATCH_CHECK(files.size() == num_expected);
  CATCH_REQUIRE(complaints == "");
}

// Records and place of the error. Damage of the container is found where the inflater meets it,
// which is elsewhere for each library, so there only the kind is compared.
std::string text_of(const Outcome& out) {
  if (out.error && out.error->kind() == ErrorKind::kContainer) return "container";
  std::string text = std::to_string(out.records) + " " + std::to_string(out.bases) + " " +
                     std::to_string(out.quality_sum) + " " + std::to_string(out.crc);
  if (out.error) text += std::string(" ") + out.error->what();
  return text;
}

struct Way {
  InflateLibrary library;
  Simd simd;
  int threads;
  size_t read_bytes;
};

std::vector<Way> every_way() {
  std::vector<Way> ways;
  for (const InflateLibrary library : inflate_libraries()) {
    for (const Simd simd : simd_paths()) {
      for (const int threads : {1, 2, 4}) {
        for (const size_t read_bytes : {1, 2, 3, 7, 65535, 65536, 65537}) {
          ways.push_back({library, simd, threads, read_bytes});
        }
      }
    }
  }
  return ways;
}

// Small files are read in every way. A plain file is not inflated, so there one library stands for
// all; large files are read with large reads, by one library for each path of vector instructions
// and with one path for each library.
bool has_to_read(const Json& file, const Way& way) {
  constexpr int64_t kSmallBytes = 4000;
  const bool is_plain = file.at("container").as_string() == "plain";
  const bool is_first_library = way.library == inflate_libraries().front();
  if (is_plain && (!is_first_library || way.threads == 4)) return false;
  if (file.at("bytes").as_int() < kSmallBytes) return true;
  return way.read_bytes > 60000 && (is_first_library || way.simd == simd_paths().back());
}

}  // namespace

CATCH_TEST_CASE("every good file of the corpus gives the listed records, bases and hashes",
                "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus("accept", 299);
}

CATCH_TEST_CASE("every bad file of the corpus ends in an error of the listed family",
                "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus("reject", 139);
}

CATCH_TEST_CASE("every doubtful file of the corpus gives the listed values or an error",
                "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus("policy", 68);
}

CATCH_TEST_CASE(
    "the error names the record that is listed in at least 95 % of the bad files that list one",
    "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  size_t num_listed = 0, num_right = 0;
  std::string others;
  for (const Json* file : files_of({"reject"})) {
    const Json* listed = file->find("error_record");
    if (listed == nullptr || !listed->is_int()) continue;
    ++num_listed;
    const Outcome out = read_outcome(path_of(*file), {}, false);
    const int64_t record = out.error ? out.error->place().record : -2;
    if (record == listed->as_int()) {
      ++num_right;
    } else {
      others += name_of(*file) + ": record " + std::to_string(record) + ", listed " +
                listed->dump() + "\n";
    }
  }
  CATCH_INFO(num_right << " of " << num_listed << "\n" << others);
  CATCH_CHECK(num_listed == 101);
  CATCH_REQUIRE(100 * num_right >= 95 * num_listed);
}

CATCH_TEST_CASE(
    "the corpus is read the same in every way: inflate library, vector instructions, threads, size "
    "of a read",
    "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  const auto files = files_of({"accept", "reject", "policy"});
  std::vector<std::string> expected;
  {
    const test::ChosenInflate library(InflateLibrary::kZlib);
    const test::ChosenSimd simd(Simd::kScalar);
    for (const Json* file : files)
      expected.push_back(text_of(read_outcome(path_of(*file), {}, false)));
  }
  std::string complaints;
  for (const Way& way : every_way()) {
    const test::ChosenInflate library(way.library);
    const test::ChosenSimd simd(way.simd);
    for (size_t i = 0; i < files.size(); ++i) {
      if (!has_to_read(*files[i], way)) continue;
      const std::string found =
          text_of(read_outcome(path_of(*files[i]), {way.threads, way.read_bytes}, false));
      if (found == expected[i]) continue;
      complaints += name_of(*files[i]) + " by " + std::string(to_string(way.library)) + ", " +
                    std::string(to_string(way.simd)) + ", " + std::to_string(way.threads) +
                    " threads, reads of " + std::to_string(way.read_bytes) + ": " + found +
                    "\n  expected " + expected[i] + "\n";
    }
  }
  CATCH_REQUIRE(complaints == "");
}

CATCH_TEST_CASE(
    "files that unpack to gigabytes end in an error or the listed values, within the time they are "
    "given",
    "[fastx][corpus][slow]") {
  DEEPBIO_NEEDS_SHARED();
  const auto files = files_of({"resource"});
  CATCH_CHECK(files.size() == 5);
  for (const Json* file : files) {
    const auto start = std::chrono::steady_clock::now();
    const Outcome out = read_outcome(path_of(*file), {}, false);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CATCH_CAPTURE(name_of(*file), seconds.count());
    CATCH_CHECK(disagreement(*file, out) == "");
    CATCH_CHECK(seconds.count() < static_cast<double>(file->at("max_seconds").as_int()));
  }
}
