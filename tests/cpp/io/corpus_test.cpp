// The shared corpus of sequence files, each with a verdict reached by a strict reader of its own and by other tools.
#include <algorithm>
#include <array>
#include <optional>

#include "catch.h"
#include "io/chosen_inflate.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

struct Totals {
  int64_t records = 0, bases = 0, min_len = -1, max_len = 0, quality_sum = 0;
};

struct Outcome {
  Totals totals;
  std::optional<ParseError> error;
};

Outcome read_totals(const std::string& path, const OpenOptions& open) {
  Outcome out;
  try {
    FastxReader reader(path, {.open = open});
    for (Record record; reader.next(record); ++out.totals.records) {
      const auto length = static_cast<int64_t>(record.sequence.size());
      out.totals.bases += length;
      out.totals.min_len = out.totals.min_len < 0 ? length : std::min(out.totals.min_len, length);
      out.totals.max_len = std::max(out.totals.max_len, length);
      for (const unsigned char quality : record.quality) out.totals.quality_sum += quality;
    }
  } catch (const ParseError& error) {
    out.error = error;
  }
  return out;
}

// The listed values that differ, as text; empty when all agree.
std::string differences(const Json& expected, const Totals& totals) {
  std::string out;
  const auto compare = [&](const char* key, int64_t value) {
    const Json* listed = expected.find(key);
    if (listed != nullptr && listed->is_int() && listed->as_int() != value) {
      out += std::string(" ") + key + " " + std::to_string(value) + ", listed " + listed->dump() + ";";
    }
  };
  compare("records", totals.records);
  compare("bases", totals.bases);
  compare("qual_byte_sum", totals.quality_sum);
  if (totals.records > 0) {
    compare("min_len", totals.min_len);
    compare("max_len", totals.max_len);
  }
  return out;
}

// A file of another compression may be called that instead of text without a title, where the corpus lists both.
bool names_other_compression(const Json& file, const ParseError& error) {
  const bool is_zip = error.expected() == "a whole zip archive";
  const bool is_named = is_zip || error.got().find("decompress it first") != std::string::npos;
  if (error.kind() != ErrorKind::kContainer || !is_named) return false;
  const auto& codes = file.at("error_any_of").as_array();
  return std::any_of(codes.begin(), codes.end(),
                     [](const Json& code) { return code.as_string() == "E_UNSUPPORTED_COMPRESSION"; });
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
    return out.totals.records <= whole ? "" : " gave more records than are whole";
  }
  if (out.error) {
    if (file.find("allowed_errors") != nullptr) return "";
    return std::string(" refused: ") + out.error->what();
  }
  if (verdict == "resource") {
    const Json* values = file.find("if_accept");
    return values == nullptr ? " accepted" : differences(*values, out.totals);
  }
  if (file.find("records") == nullptr) return " accepted without listed values";
  return differences(file, out.totals);
}

// Reads every file of the verdicts and fails with the list of those that disagree.
void check_corpus(const std::vector<std::string>& verdicts, size_t num_expected, const OpenOptions& open = {}) {
  const std::string path = test::shared("sequences/expected.json");
  const Json corpus = Json::parse(test::read_text(path), path);
  size_t num_agreeing = 0, num_files = 0;
  std::string complaints;
  for (const Json& file : corpus.at("files").as_array()) {
    const std::string& verdict = file.at("verdict").as_string();
    if (std::find(verdicts.begin(), verdicts.end(), verdict) == verdicts.end()) continue;
    ++num_files;
    const std::string& name = file.at("path").as_string();
    const std::string wrong = disagreement(file, read_totals(test::shared("sequences/" + name), open));
    if (wrong.empty()) {
      ++num_agreeing;
    } else {
      complaints += name + ":" + wrong + "\n";
    }
  }
  CATCH_INFO(complaints);
  CATCH_CHECK(num_files == num_expected);
  CATCH_REQUIRE(num_agreeing == num_files);
}

}  // namespace

CATCH_TEST_CASE("every good file of the corpus gives the listed records, bases and quality sum", "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus({"accept"}, 299);
}

CATCH_TEST_CASE("every bad file of the corpus ends in an error of the listed family", "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus({"reject"}, 139);
}

CATCH_TEST_CASE("the corpus is read the same by every inflate library, number of threads and size of a read",
                "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  for (const InflateLibrary library : inflate_libraries()) {
    const test::ChosenInflate chosen(library);
    for (const int threads : {1, 2, 4}) {
      for (const size_t read_bytes : {size_t{3}, size_t{65535}, size_t{65536}, size_t{65537}}) {
        CATCH_INFO(to_string(library) << ", " << threads << " threads, reads of " << read_bytes << " bytes");
        check_corpus({"accept"}, 299, {threads, read_bytes});
        check_corpus({"reject"}, 139, {threads, read_bytes});
      }
    }
  }
}

CATCH_TEST_CASE("every doubtful file of the corpus gives the listed values or an error", "[fastx][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus({"policy"}, 68);
}

CATCH_TEST_CASE("files that unpack to gigabytes end in an error or the listed values", "[fastx][corpus][slow]") {
  DEEPBIO_NEEDS_SHARED();
  check_corpus({"resource"}, 5);
}
