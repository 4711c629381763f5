#include "deepbio/io/fastx.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/fasta_record.h"
#include "deepbio/io/fastq_record.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/text_window.h"

namespace deepbio::io {
namespace {

constexpr size_t kMaxExamples = 3;
constexpr uint64_t kMaxDamageSearchBytes = uint64_t{1} << 30;

FastxOptions with_limit(FastxOptions options, const ByteSource& source) {
  if (options.max_record_bytes == 0) options.max_record_bytes = default_record_limit(source);
  return options;
}

void set_title(RecordView& record, std::string_view title, size_t name_size) {
  record.name = title.substr(0, name_size);
  record.description = title.substr(std::min(name_size + 1, title.size()));
}

}  // namespace

struct FastxReader::State {
  State(std::unique_ptr<ByteSource> source, const FastxOptions& chosen)
      : options(with_limit(chosen, *source)),
        window(std::move(source), options.max_record_bytes),
        fasta(window, options.max_record_bytes, choose_simd()) {
    if (options.quality_offset != 33 && options.quality_offset != 64) {
      throw ArgumentError("quality_offset: expected 33 or 64, got " +
                          std::to_string(options.quality_offset));
    }
    try {
      recognise();
    } catch (const ParseError& error) {
      find_container_damage(error.kind());
      throw;
    }
  }

  // Fills what options.fields asks for of the next record; false at the end. The views live until
  // the next call.
  bool advance(RecordView& record) {
    if (failure) throw ParseError(*failure);
    if (is_empty) return false;
    try {
      while (format == Format::kFastq ? advance_fastq(record) : advance_fasta(record)) {
        if (options.quality_offset == 64 && format == Format::kFastq && !convert_quality(record))
          continue;
        if (options.alphabet != Letters::kAny && !check_letters(record)) continue;
        ++report.num_records;
        if (!options.fields.titles) record.name = record.description = {};
        if (!options.fields.sequences) record.sequence = {};
        if (!options.fields.qualities) record.quality = {};
        record.has_quality = format == Format::kFastq && options.fields.qualities;
        return true;
      }
      if (std::string warning = window.source().warning();
          !warning.empty() && report.warnings.empty()) {
        report.warnings.push_back(std::move(warning));
      }
      return false;
    } catch (const ParseError& error) {
      failure = error;
      find_container_damage(error.kind());
      throw;
    }
  }

  FastxOptions options;
  TextWindow window;
  Format format = Format::kFastq;
  SkipReport report;

 private:
  void recognise();
  void find_container_damage(ErrorKind kind);
  bool skip_blank_lines();
  bool advance_fastq(RecordView& record);
  bool take_four_lines(RecordView& record);
  bool advance_fasta(RecordView& record);
  bool check_letters(const RecordView& record);
  bool convert_quality(RecordView& record);
  void more_of_record();
  [[noreturn]] void too_large() const;
  void give_up(const RecordProblem& problem, int64_t line, int64_t offset);
  void resume_fastq();
  bool drop_four_lines();
  void drop_line();
  const std::string& path() const { return window.source().path(); }

  FastqScanner fastq;
  FastaScanner fasta;
  int64_t line_number = 0;  // of the record's first line
  bool had_blank_lines = false;
  bool is_empty = false;  // and allowed to be
  std::string converted_quality;
  std::optional<ParseError> failure;
};

// The first byte after a byte-order mark and blank lines decides; compression was seen to before.
void FastxReader::State::recognise() {
  window.more();
  if (window.text().substr(0, 3) == "\xef\xbb\xbf") window.drop(3);
  if (!skip_blank_lines()) {
    is_empty = options.allow_empty || options.on_bad_record == OnBadRecord::kSkip;
    if (is_empty) {
      report.warnings.emplace_back("no records: an empty file");
      return;
    }
    throw ParseError({path(), -1, window.line(), window.offset()}, "FASTA or FASTQ records",
                     "no data", ErrorKind::kStructure);
  }
  const char first = window.text()[0];
  if (const std::string other = foreign_format(window.text().substr(0, 512)); !other.empty()) {
    throw ParseError({path(), 0, window.line(), window.offset()}, "FASTA or FASTQ records", other,
                     ErrorKind::kStructure);
  }
  if (first != '@' && first != '>' && first != ';') {
    throw ParseError(
        {path(), 0, window.line(), window.offset()}, "a FASTA title ('>') or a FASTQ title ('@')",
        quoted(window.text().substr(0, window.text().find('\n')), 20), ErrorKind::kStructure);
  }
  format = first == '@' ? Format::kFastq : Format::kFasta;
}

// Bad text from a compressed file often comes from damage that only the checksum at the end of a
// member shows. Then the damage is the error to report, since the text was good when it was
// written.
void FastxReader::State::find_container_damage(ErrorKind kind) {
  if (kind == ErrorKind::kResource || kind == ErrorKind::kContainer) return;
  try {
    window.read_through(kMaxDamageSearchBytes);
  } catch (const ParseError& damage) {
    failure = damage;
    throw;
  }
}

// Adds text to the window when a record goes on behind it. throws when the record is too large.
void FastxReader::State::more_of_record() {
  if (!window.more() && !window.is_end()) too_large();
}

void FastxReader::State::too_large() const {
  throw ParseError(
      {path(), report.num_records + report.num_skipped, window.line(), window.offset()},
      "a record of at most " + std::to_string(options.max_record_bytes) +
          " bytes (max_record_bytes)",
      "a larger one", ErrorKind::kResource);
}

// True when a byte follows that is no line end.
bool FastxReader::State::skip_blank_lines() {
  while (true) {
    const std::string_view text = window.text();
    const bool is_carriage = !text.empty() && text[0] == '\r';
    if (text.empty() || (is_carriage && text.size() == 1)) {
      if (!window.more()) return !text.empty();
    } else if (text[0] == '\n' || (is_carriage && text[1] == '\n')) {
      window.drop(is_carriage ? 2 : 1, 1);
      had_blank_lines = true;
    } else {
      return true;
    }
  }
}

// Raises the problem of a record whose place begins at this line and byte, or counts it.
void FastxReader::State::give_up(const RecordProblem& problem, int64_t line, int64_t offset) {
  ParseError error({path(), report.num_records + report.num_skipped, line + problem.line,
                    offset + static_cast<int64_t>(problem.offset_bytes)},
                   problem.expected, problem.got, problem.kind);
  if (options.on_bad_record == OnBadRecord::kRaise) throw ParseError(std::move(error));
  ++report.num_skipped;
  ++report.reasons[std::string(to_string(problem.kind))];
  if (report.examples.size() < kMaxExamples) report.examples.emplace_back(error.what());
}

// The usual record, when it stands whole at the front of the window.
inline bool FastxReader::State::take_four_lines(RecordView& record) {
  const std::string_view text = window.text();
  const FourLines* const found = fastq.scan_four_lines(text);
  if (found == nullptr || had_blank_lines) return false;
  record.name = {found->title, found->name_size};
  const size_t before = found->name_size + (found->name_size < found->title_size ? 1 : 0);
  record.description = {found->title + before, found->title_size - before};
  record.sequence = {found->sequence, found->length};
  record.quality = {found->quality, found->length};
  record.offset_bytes = window.offset();
  line_number = window.line();
  window.drop(static_cast<size_t>(found->end - text.data()), 4);
  return true;
}

bool FastxReader::State::advance_fastq(RecordView& record) {
  if (take_four_lines(record)) return true;
  while (skip_blank_lines()) {
    // A blank line costs no record, so skipping passes over it.
    if (std::exchange(had_blank_lines, false) && options.on_bad_record == OnBadRecord::kRaise) {
      give_up({ErrorKind::kStructure, -1, 0, "no blank line before a record", "a blank line"},
              window.line(), window.offset());
    }
    switch (fastq.scan(window.text(), window.is_end())) {
      case FastqScanner::Result::kRecord:
        set_title(record, fastq.title, fastq.name_bytes);
        record.sequence = fastq.sequence;
        record.quality = fastq.quality;
        record.offset_bytes = window.offset();
        line_number = window.line();
        window.drop(fastq.num_bytes, fastq.num_lines);
        return true;
      case FastqScanner::Result::kNeedMore:
        more_of_record();
        break;
      case FastqScanner::Result::kBad:
        give_up(fastq.problem, window.line(), window.offset());
        resume_fastq();
        break;
    }
  }
  return false;
}

// Drops lines until a whole record stands at the front. '@' alone does not tell a title: a quality
// may start with it.
void FastxReader::State::resume_fastq() {
  if (drop_four_lines()) return;
  while (true) {
    drop_line();
    if (!skip_blank_lines()) return;
    had_blank_lines = false;
    if (window.text()[0] != '@') continue;
    auto result = fastq.scan(window.text(), window.is_end());
    while (result == FastqScanner::Result::kNeedMore) {
      more_of_record();
      result = fastq.scan(window.text(), window.is_end());
    }
    if (result == FastqScanner::Result::kRecord) return;
  }
}

// A bad record of four lines before another title goes alone, so that each bad record in a row is
// counted.
bool FastxReader::State::drop_four_lines() {
  size_t at = 0;
  for (int line = 0; line < 4; ++line) {
    size_t end = window.text().find('\n', at);
    while (end == std::string_view::npos && window.more()) end = window.text().find('\n', at);
    if (end == std::string_view::npos || (line == 2 && window.text()[at] != '+')) return false;
    at = end + 1;
  }
  if (at == window.text().size()) window.more();
  if (at < window.text().size() && window.text()[at] != '@') return false;
  window.drop(at, 4);
  return true;
}

void FastxReader::State::drop_line() {
  while (true) {
    const std::string_view text = window.text();
    const size_t end = text.find('\n');
    const bool is_whole = end != std::string_view::npos;
    window.drop(is_whole ? end + 1 : text.size(), is_whole ? 1 : 0);
    if (is_whole || !window.more()) return;
  }
}

bool FastxReader::State::advance_fasta(RecordView& record) {
  while (true) {
    switch (fasta.next()) {
      case FastaScanner::Result::kRecord:
        set_title(record, fasta.title, name_bytes(fasta.title));
        record.sequence = fasta.sequence;
        record.quality = {};
        record.offset_bytes = fasta.offset_bytes;
        line_number = fasta.line;
        return true;
      case FastaScanner::Result::kBad:
        give_up(fasta.problem, fasta.problem_line, fasta.problem_offset_bytes);
        break;
      case FastaScanner::Result::kTooLarge:
        too_large();
      case FastaScanner::Result::kEnd:
        return false;
    }
  }
}

// Raises or counts a byte that Phred+64 does not have.
bool FastxReader::State::convert_quality(RecordView& record) {
  constexpr char kLowest = '@', kShift = 64 - 33;
  const auto bad = std::find_if(record.quality.begin(), record.quality.end(),
                                [](char c) { return c < kLowest; });
  if (bad != record.quality.end()) {
    give_up({ErrorKind::kAlphabet, 0, 0, "a quality of Phred+64, from '@' on (quality_offset 64)",
             quoted(std::string_view(&*bad, 1)) + " at position " +
                 std::to_string(bad - record.quality.begin() + 1) + " of the quality"},
            line_number, record.offset_bytes);
    return false;
  }
  converted_quality.assign(record.quality);
  for (char& c : converted_quality) c = static_cast<char>(c - kShift);
  record.quality = converted_quality;
  return true;
}

// Raises or counts a letter outside of the alphabet that was asked for; true when there is none.
// Line and byte are the record's, since lines may have been joined; the position is the letter's.
bool FastxReader::State::check_letters(const RecordView& record) {
  const size_t at = find_foreign_letter(record.sequence, options.alphabet);
  if (at == std::string_view::npos) return true;
  give_up({ErrorKind::kAlphabet, 0, 0,
           "a letter of " + std::string(allowed(options.alphabet)) + " (alphabet " +
               std::string(to_string(options.alphabet)) + ")",
           quoted(record.sequence.substr(at, 1)) + " at position " + std::to_string(at + 1) +
               " of the sequence"},
          line_number, record.offset_bytes);
  return false;
}

uint64_t default_record_limit(const ByteSource& source) {
  constexpr uint64_t kLeast = uint64_t{1} << 28, kOfStream = uint64_t{1} << 32;
  constexpr uint64_t kMostRatio = 16;
  std::error_code no_file;
  const bool is_file = std::filesystem::is_regular_file(source.path(), no_file);
  const uint64_t size = is_file ? std::filesystem::file_size(source.path(), no_file) : 0;
  if (!is_file || no_file) return source.container() == Container::kPlain ? kOfStream : kLeast;
  const bool is_plain = source.container() == Container::kPlain;
  return std::max(kLeast, is_plain                         ? size
                          : size > UINT64_MAX / kMostRatio ? size
                                                           : size * kMostRatio);
}

std::string_view to_string(Format format) { return format == Format::kFasta ? "fasta" : "fastq"; }

FastxReader::FastxReader(const std::string& path, FastxOptions options)
    : state_(std::make_unique<State>(open_bytes(path, options.open), options)) {}
FastxReader::FastxReader(std::unique_ptr<ByteSource> source, FastxOptions options)
    : state_(std::make_unique<State>(std::move(source), options)) {}
FastxReader::~FastxReader() = default;
FastxReader::FastxReader(FastxReader&&) noexcept = default;

bool FastxReader::next(Record& record) {
  RecordView view;
  if (!next(view)) return false;
  record.name.assign(view.name);
  record.description.assign(view.description);
  record.sequence.assign(view.sequence);
  record.quality.assign(view.quality);
  record.has_quality = view.has_quality;
  return true;
}

bool FastxReader::next(RecordView& record) { return state_->advance(record); }

int64_t FastxReader::read(RecordBatch& batch, int64_t max_records) {
  int64_t num_read = 0;
  for (RecordView record; num_read < max_records && next(record); ++num_read) batch.append(record);
  return num_read;
}

void FastxReader::set_fields(const RecordFields& fields) { state_->options.fields = fields; }

Format FastxReader::format() const { return state_->format; }
Container FastxReader::container() const { return state_->window.source().container(); }
const SkipReport& FastxReader::report() const { return state_->report; }
int64_t FastxReader::file_offset_bytes() const {
  return state_->window.source().file_offset_bytes();
}

}  // namespace deepbio::io
