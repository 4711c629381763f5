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
#include "deepbio/io/sniff.h"

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

// What is none of the formats is read as a sequence file, whose reader then says what it expected.
Verdict validate_file(const std::string& path, const io::FileGuess& guess, const ValidateOptions& options, bool quiet) {
  const auto verdict = [&](int64_t records) {
    return Verdict{std::string(to_string(guess.kind)), std::string(to_string(guess.container)), records};
  };
  switch (guess.kind) {
    case io::FileKind::kTable:
      return verdict(io::read_table(path).num_samples());
    case io::FileKind::kTree:
      return verdict(io::read_newick(path).num_tips());
    case io::FileKind::kDistances:
      return verdict(io::read_distances(path).size());
    case io::FileKind::kMetadata:
      return verdict(static_cast<int64_t>(io::read_metadata(path).ids.size()));
    case io::FileKind::kSafetensors:
      return verdict(static_cast<int64_t>(io::read_safetensors(path).tensors.size()));
    default:
      return read_sequences(path, io::parse_letters(options.alphabet), quiet);
  }
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
Json row_of(const std::string& path, const ValidateOptions& options, bool quiet) {
  Json row = Json::object();
  row.set("path", path);
  for (const char* key : {"ok", "format", "container", "records", "bases", "error"}) row.set(key, Json());
  row.set("warnings", Json::array());
  try {
    // Standard input cannot be looked at twice, so it is taken for sequences.
    const bool is_stream = path == "-";
    const io::FileGuess guess = is_stream ? io::FileGuess{} : io::sniff(path);
    if (!is_stream) row.set("container", std::string(to_string(guess.container)));
    const Verdict verdict = validate_file(path, guess, options, quiet);
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
  Json rows = Json::array();
  bool all_ok = true;
  for (const std::string& path : options.paths) {
    Json row = row_of(path, options, shared.quiet);
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
