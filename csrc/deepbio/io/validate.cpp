// Reads all of a file with the reader of its kind: a file is sound when that reader says so, so
// there is no second opinion. A row per file, with its error as fields, is what the command prints
// and what --json holds.
#include "deepbio/io/validate.h"

#include "deepbio/base/error.h"
#include "deepbio/io/sniff.h"

namespace deepbio::io {
namespace {

SoundFile read_sequences(const std::string& path, const ValidateOptions& options) {
  SoundFile out;
  out.bases = 0;
  FastxReader reader(path, {.open = options.open, .alphabet = options.alphabet});
  for (RecordView record; reader.next(record);) {
    ++out.records;
    out.bases += static_cast<int64_t>(record.sequence.size());
    if (options.on_record) options.on_record(reader);
  }
  out.warnings = reader.report().warnings;
  out.format = to_string(reader.format());
  out.container = to_string(reader.container());
  return out;
}

SoundFile validate_as(const FileGuess& guess, const std::string& path,
                      const ValidateOptions& options) {
  const KindRow& kind = row_of(guess.kind);
  // Sequences, and whatever nobody knows: the reader of sequences says best what is wrong with it.
  if (kind.facts == nullptr) return read_sequences(path, options);
  const Json facts = kind.facts(path);
  return {std::string(kind.word), std::string(to_string(guess.container)),
          facts.at(std::string(kind.counted)).as_int()};
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

}  // namespace

SoundFile validate(const std::string& path, const ValidateOptions& options) {
  // Standard input can be read once, so it is not looked at before: it is taken for sequences.
  return validate_as(path == "-" ? FileGuess{} : sniff(path), path, options);
}

Json validation_row(const std::string& path, const ValidateOptions& options) {
  Json row = Json::object();
  row.set("path", path);
  for (const char* key : {"ok", "format", "container", "records", "bases", "error"})
    row.set(key, Json());
  row.set("warnings", Json::array());
  try {
    const FileGuess guess = path == "-" ? FileGuess{} : sniff(path);
    if (path != "-") row.set("container", std::string(to_string(guess.container)));
    const SoundFile sound = validate_as(guess, path, options);
    row.set("ok", true);
    row.set("format", sound.format);
    row.set("container", sound.container);
    row.set("records", sound.records);
    row.set("bases", number_or_null(sound.bases));
    row.set("warnings", Json::array_of(sound.warnings));
  } catch (const Error& error) {
    row.set("ok", false);
    row.set("error", error_json(error));
  }
  return row;
}

}  // namespace deepbio::io
