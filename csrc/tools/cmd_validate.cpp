#include <iostream>
#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/reading_progress.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/biom.h"
#include "deepbio/io/fastx.h"
#include "deepbio/io/matrix.h"
#include "deepbio/io/metadata.h"
#include "deepbio/io/newick.h"
#include "deepbio/io/safetensors.h"

namespace deepbio::tools {
namespace {

// What a sound file is; records are samples, rows, tips or tensors where a format has no reads.
struct Verdict {
  std::string format, container = "plain";
  int64_t records = 0, bases = -1;
  std::vector<std::string> warnings = {};
};

struct ValidateOptions {
  std::vector<std::string> paths;
  std::string alphabet = "any";
};

// The first bytes of the (decompressed) content.
struct Head {
  std::string bytes;
  std::string container;
};

Head read_head(const std::string& path) {
  constexpr size_t kHead = 4096;
  const auto source = io::open_bytes(path);
  Head head;
  head.bytes.resize(kHead);
  size_t used = 0;
  while (used < kHead) {
    const size_t got = source->read(head.bytes.data() + used, kHead - used);
    if (got == 0) break;
    used += got;
  }
  head.bytes.resize(used);
  head.container = to_string(source->container());
  return head;
}

Verdict read_sequences(const std::string& path, io::Letters alphabet, bool quiet) {
  Verdict verdict;
  verdict.bases = 0;
  io::FastxReader reader(path, {.open = reading_options(), .alphabet = alphabet});
  ReadingProgress progress(path, quiet);
  for (io::RecordView record; reader.next(record);) {
    ++verdict.records;
    verdict.bases += static_cast<int64_t>(record.sequence.size());
    progress.step(reader);
  }
  verdict.warnings = reader.report().warnings;
  print_warnings(path, reader.report());
  verdict.format = to_string(reader.format());
  verdict.container = to_string(reader.container());
  return verdict;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  for (const auto start : starts) {
    if (text.substr(0, start.size()) == start) return true;
  }
  return false;
}

bool is_safetensors(std::string_view bytes) { return bytes.size() > 9 && bytes[8] == '{' && bytes[7] == 0; }

// A square matrix as text: the header line begins with a tab and the second line's first cell is the header's first id.
bool is_distance_text(std::string_view bytes) {
  const size_t line = bytes.find('\n');
  return bytes.substr(0, 1) == "\t" && line != std::string_view::npos;
}

Verdict verdict_of(const std::string& format, const std::string& container, int64_t records) {
  return {format, container, records, -1};
}

// What has the groups of a table is a table, so that a damaged matrix is told what is wrong with the matrix.
Verdict validate_hdf5(const std::string& path, const std::string& container) {
  if (io::is_biom_hdf5(path)) return verdict_of("biom", container, io::read_table(path).num_samples());
  return verdict_of("distances", container, io::read_distances(path).size());
}

// Formats are told apart by content; what is none of the others is read as a sequence file, whose reader then says
// what it expected.
Verdict validate_file(const std::string& path, const Head& head, io::Letters alphabet, bool quiet) {
  const std::string_view bytes = head.bytes;
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  const char letter = first == std::string_view::npos ? '\0' : bytes[first];
  if (starts_with_any(bytes, {"\x89HDF\r\n\x1a\n"})) return validate_hdf5(path, head.container);
  if (starts_with_any(bytes, {"\x93NUMPY"}))
    return verdict_of("distances", head.container, io::read_distances(path).size());
  if (is_safetensors(bytes)) {
    return verdict_of("safetensors", "plain", static_cast<int64_t>(io::read_safetensors(path).tensors.size()));
  }
  if (letter == '{' || starts_with_any(bytes, {"#OTU ID", "# Constructed from biom"})) {
    return verdict_of("biom", head.container, io::read_table(path).num_samples());
  }
  if (letter == '(' || (letter == '[' && bytes.find('(') != std::string_view::npos)) {
    return verdict_of("newick", head.container, io::read_newick(path).num_tips());
  }
  if (is_distance_text(bytes)) return verdict_of("distances", head.container, io::read_distances(path).size());
  if (letter != '>' && letter != '@' && letter != ';' && bytes.find('\t') < bytes.find('\n')) {
    return verdict_of("metadata", head.container, static_cast<int64_t>(io::read_metadata(path).ids.size()));
  }
  return read_sequences(path, alphabet, quiet);
}

Json number_or_null(int64_t value) { return value < 0 ? Json() : Json(value); }

Json error_json(const Error& error) {
  Json out = Json::object();
  const auto* parse = dynamic_cast<const ParseError*>(&error);
  out.set("kind", parse ? std::string(to_string(parse->kind())) : std::string("file"));
  out.set("record", parse ? number_or_null(parse->place().record) : Json());
  out.set("line", parse ? number_or_null(parse->place().line) : Json());
  out.set("offset_bytes", parse ? number_or_null(parse->place().offset_bytes) : Json());
  out.set("message", std::string(error.what()));
  return out;
}

// One file's row, with the same keys for sound and for bad files.
Json row_of(const std::string& path, io::Letters alphabet, bool quiet) {
  Json row = Json::object();
  row.set("path", path);
  for (const char* key : {"ok", "format", "container", "records", "bases", "error"}) row.set(key, Json());
  row.set("warnings", Json::array());
  try {
    // Standard input cannot be looked at twice, so it is taken for sequences.
    const bool is_stream = path == "-";
    const Head head = is_stream ? Head{} : read_head(path);
    if (!is_stream) row.set("container", head.container);
    const Verdict verdict =
        is_stream ? read_sequences(path, alphabet, quiet) : validate_file(path, head, alphabet, quiet);
    row.set("ok", true);
    row.set("format", verdict.format);
    row.set("container", verdict.container);
    row.set("records", verdict.records);
    row.set("bases", number_or_null(verdict.bases));
    row.set("warnings", Json::array_of(verdict.warnings));
  } catch (const Error& error) {
    row.set("ok", false);
    row.set("error", error_json(error));
  }
  return row;
}

void print_row(const Json& row) {
  std::cout << row.at("path").as_string();
  if (row.at("ok").as_bool()) {
    std::cout << "\tok\t" << row.at("format").as_string() << "\t" << row.at("container").as_string() << "\t"
              << row.at("records").as_int() << "\n";
  } else {
    std::cout << "\tbad\t" << row.at("error").at("message").as_string() << "\n";
  }
}

int run_validate(const ValidateOptions& options, const Shared& shared) {
  const io::Letters alphabet = io::parse_letters(options.alphabet);
  Json rows = Json::array();
  bool all_ok = true;
  for (const std::string& path : options.paths) {
    Json row = row_of(path, alphabet, shared.quiet);
    all_ok = all_ok && row.at("ok").as_bool();
    if (!shared.json) print_row(row);
    rows.push_back(std::move(row));
  }
  if (shared.json) {
    Json document = Json::object();
    document.set("files", std::move(rows));
    std::cout << document.dump(2) << "\n";
  }
  return all_ok ? 0 : 1;
}

}  // namespace

std::function<int()> setup_validate(CLI::App& app, Shared& shared) {
  auto options = std::make_shared<ValidateOptions>();
  app.add_option("files", options->paths,
                 "FASTA, FASTQ, BIOM, Newick, metadata TSV, distance matrix or safetensors files")
      ->required();
  app.add_option("--alphabet", options->alphabet, "Letters that reads may hold: any, dna, rna, iupac, protein")
      ->capture_default_str()
      ->check(CLI::IsMember({"any", "dna", "rna", "iupac", "protein"}));
  return [options, &shared] { return run_validate(*options, shared); };
}

}  // namespace deepbio::tools
