#include "deepbio/io/fastx.h"

#include <cstring>
#include <optional>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/fasta_lines.h"
#include "deepbio/io/fastq_record.h"
#include "deepbio/io/text_window.h"

namespace deepbio::io {
namespace {

constexpr size_t kMaxExamples = 3;
constexpr uint64_t kMaxDamageSearchBytes = uint64_t{1} << 30;

struct TitleParts {
  std::string_view name, description;
};

TitleParts split_title(std::string_view title) {
  size_t end = 0;  // find_first_of would call memchr for each byte
  while (end < title.size() && title[end] != ' ' && title[end] != '\t') ++end;
  if (end == title.size()) return {title, {}};
  return {title.substr(0, end), title.substr(end + 1)};
}

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

void append_slice(std::string_view text, std::string& data, std::vector<int64_t>& offsets) {
  data.append(text);
  offsets.push_back(static_cast<int64_t>(data.size()));
}

}  // namespace

struct FastxReader::State {
  State(std::unique_ptr<ByteSource> source, FastxOptions chosen)
      : options(chosen), window(std::move(source), chosen.max_record_bytes) {
    try {
      recognise();
    } catch (const ParseError& error) {
      find_container_damage(error.kind());
      throw;
    }
  }

  // Sets title, sequence, quality to the next record; false at the end. They live until the next call.
  bool advance() {
    if (failure) throw ParseError(*failure);
    try {
      const bool found = format == Format::kFastq ? advance_fastq() : advance_fasta();
      if (found) ++report.num_records;
      return found;
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
  std::string_view title, sequence, quality;
  int64_t offset_bytes = 0;  // of the record's first byte

 private:
  struct Line {
    std::string_view text;
    int64_t offset_bytes = 0;
  };

  void recognise();
  void find_container_damage(ErrorKind kind);
  bool skip_blank_lines();
  bool advance_fastq();
  bool advance_fasta();
  bool read_fasta_sequence();
  bool take_plain_lines();
  bool take_line(Line& line);
  bool find_fasta_title(Line& line);
  void skip_fasta(RecordProblem problem, const Line& line);
  void more_of_record();
  [[noreturn]] void too_large() const;
  void give_up(const RecordProblem& problem);
  void resume_fastq();
  bool drop_four_lines();
  void drop_line();
  const std::string& path() const { return window.source().path(); }

  FastqScanner scanner;
  std::string fasta_title;
  FastaLines fasta_lines;
  int64_t one_by_one_until = 0;  // offset up to which lines are not all plain
  int64_t line_number = 1;       // of the first line in the window
  bool had_blank_lines = false;
  bool is_skipping = false;  // a bad FASTA record is being passed over
  std::optional<ParseError> failure;
};

// The first byte after a byte-order mark and blank lines decides; compression was seen to before.
void FastxReader::State::recognise() {
  window.more();
  if (window.text().substr(0, 3) == "\xef\xbb\xbf") window.drop(3);
  if (!skip_blank_lines()) {
    throw ParseError({path(), -1, line_number, window.offset()}, "FASTA or FASTQ records", "no data",
                     ErrorKind::kStructure);
  }
  const char first = window.text()[0];
  if (first != '@' && first != '>' && first != ';') {
    throw ParseError({path(), 0, line_number, window.offset()}, "a FASTA title ('>') or a FASTQ title ('@')",
                     quoted(window.text().substr(0, window.text().find('\n')), 20), ErrorKind::kStructure);
  }
  format = first == '@' ? Format::kFastq : Format::kFasta;
}

// Bad text from a compressed file often comes from damage that only the checksum at the end of a member shows. Then
// the damage is the error to report, since the text was good when it was written.
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
  throw ParseError({path(), report.num_records + report.num_skipped, line_number, window.offset()},
                   "a record of at most " + std::to_string(options.max_record_bytes) + " bytes (max_record_bytes)",
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
      window.drop(is_carriage ? 2 : 1);
      ++line_number;
      had_blank_lines = true;
    } else {
      return true;
    }
  }
}

// Raises the problem of the record at the front of the window, or counts it.
void FastxReader::State::give_up(const RecordProblem& problem) {
  ParseError error({path(), report.num_records + report.num_skipped, line_number + problem.line,
                    window.offset() + static_cast<int64_t>(problem.offset_bytes)},
                   problem.expected, problem.got, problem.kind);
  if (options.on_bad_record == OnBadRecord::kRaise) throw ParseError(std::move(error));
  ++report.num_skipped;
  ++report.reasons[std::string(to_string(problem.kind))];
  if (report.examples.size() < kMaxExamples) report.examples.emplace_back(error.what());
}

bool FastxReader::State::advance_fastq() {
  while (skip_blank_lines()) {
    // A blank line costs no record, so skipping passes over it.
    if (std::exchange(had_blank_lines, false) && options.on_bad_record == OnBadRecord::kRaise) {
      give_up({ErrorKind::kStructure, -1, 0, "no blank line before a record", "a blank line"});
    }
    switch (scanner.scan(window.text(), window.is_end())) {
      case FastqScanner::Result::kRecord:
        title = scanner.title;
        sequence = scanner.sequence;
        quality = scanner.quality;
        offset_bytes = window.offset();
        window.drop(scanner.num_bytes);
        line_number += scanner.num_lines;
        return true;
      case FastqScanner::Result::kNeedMore:
        more_of_record();
        break;
      case FastqScanner::Result::kBad:
        give_up(scanner.problem);
        resume_fastq();
        break;
    }
  }
  return false;
}

// Drops lines until a whole record stands at the front. '@' alone does not tell a title: a quality may start with it.
void FastxReader::State::resume_fastq() {
  if (drop_four_lines()) return;
  while (true) {
    drop_line();
    if (!skip_blank_lines()) return;
    had_blank_lines = false;
    if (window.text()[0] != '@') continue;
    auto result = scanner.scan(window.text(), window.is_end());
    while (result == FastqScanner::Result::kNeedMore) {
      more_of_record();
      result = scanner.scan(window.text(), window.is_end());
    }
    if (result == FastqScanner::Result::kRecord) return;
  }
}

// A bad record of four lines before another title goes alone, so that each bad record in a row is counted.
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
  window.drop(at);
  line_number += 4;
  return true;
}

void FastxReader::State::drop_line() {
  while (true) {
    const std::string_view text = window.text();
    const size_t end = text.find('\n');
    window.drop(end == std::string_view::npos ? text.size() : end + 1);
    if (end != std::string_view::npos) {
      ++line_number;
      return;
    }
    if (!window.more()) return;
  }
}

// False at the end of the data. A line of any length is read in one piece, within the record limit.
bool FastxReader::State::take_line(Line& line) {
  size_t end = window.text().find('\n');
  while (end == std::string_view::npos && !window.is_end()) {
    more_of_record();
    end = window.text().find('\n');
  }
  std::string_view text = window.text();
  if (text.empty()) return false;
  line.offset_bytes = window.offset();
  const bool is_last = end == std::string_view::npos;
  text = text.substr(0, end);
  window.drop(text.size() + (is_last ? 0 : 1));
  ++line_number;
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  line.text = text;
  return true;
}

bool FastxReader::State::find_fasta_title(Line& line) {
  while (take_line(line)) {
    if (!line.text.empty() && line.text[0] == '>') return true;
    if (line.text.empty() || line.text[0] == ';' || is_skipping) continue;
    skip_fasta({ErrorKind::kStructure, 0, 0, "a title line that starts with '>'", quoted(line.text)}, line);
  }
  return false;
}

// Raises or counts what is wrong in a line that was just taken; the record it belongs to is passed over.
void FastxReader::State::skip_fasta(RecordProblem problem, const Line& line) {
  is_skipping = true;
  problem.line = -1;
  problem.offset_bytes += static_cast<size_t>(line.offset_bytes - window.offset());
  give_up(problem);
}

bool FastxReader::State::advance_fasta() {
  Line line;
  while (find_fasta_title(line)) {
    is_skipping = false;
    offset_bytes = line.offset_bytes;
    fasta_title.assign(line.text.substr(1));
    RecordProblem problem;
    if (!is_title_good(fasta_title, problem)) {
      skip_fasta(problem, line);
      continue;
    }
    if (!read_fasta_sequence()) continue;
    title = fasta_title;
    sequence = fasta_lines.joined();
    quality = {};
    return true;
  }
  return false;
}

// False when the record is bad and skipped.
bool FastxReader::State::read_fasta_sequence() {
  fasta_lines.clear();
  Line line;
  while (true) {
    if (window.text().empty() && !window.more()) return true;
    if (window.text()[0] == '>') return true;
    if (take_plain_lines()) continue;
    if (!take_line(line)) return true;
    if (!line.text.empty() && line.text[0] == ';') continue;
    bool is_good = is_sequence_text(line.text);
    if (!is_good) {
      line.text = without_trailing_blanks(line.text);
      is_good = is_sequence_text(line.text);
    }
    if (!is_good) {
      size_t at = 0;
      while (is_sequence_byte(static_cast<unsigned char>(line.text[at]))) ++at;
      skip_fasta(
          {ErrorKind::kAlphabet, 0, at, "a sequence of letters, '*', '-' or '.'", quoted(line.text.substr(at, 1))},
          line);
      return false;
    }
    if (fasta_lines.size() + line.text.size() > options.max_record_bytes) too_large();
    fasta_lines.append(line.text);
  }
}

// False when the next line has to be looked at by itself.
bool FastxReader::State::take_plain_lines() {
  if (window.offset() < one_by_one_until) return false;
  const std::string_view block = FastaLines::plain_block(window.text());
  if (block.empty() || fasta_lines.size() + block.size() > options.max_record_bytes) return false;
  const int64_t num_lines = fasta_lines.append_block(block);
  if (num_lines < 0) {
    one_by_one_until = window.offset() + static_cast<int64_t>(block.size());
    return false;
  }
  window.drop(block.size());
  line_number += num_lines;
  return true;
}

std::string_view to_string(Format format) { return format == Format::kFasta ? "fasta" : "fastq"; }

void RecordBatch::append(const Record& record) {
  append_slice(record.name, names, name_offsets);
  append_slice(record.description, descriptions, description_offsets);
  append_slice(record.sequence, sequences, sequence_offsets);
  append_slice(record.quality, qualities, quality_offsets);
}

void RecordBatch::clear() {
  for (std::string* data : {&names, &descriptions, &sequences, &qualities}) data->clear();
  for (std::vector<int64_t>* offsets : {&name_offsets, &description_offsets, &sequence_offsets, &quality_offsets}) {
    offsets->assign(1, 0);
  }
}

FastxReader::FastxReader(const std::string& path, FastxOptions options)
    : state_(std::make_unique<State>(open_bytes(path, options.open), options)) {}
FastxReader::FastxReader(std::unique_ptr<ByteSource> source, FastxOptions options)
    : state_(std::make_unique<State>(std::move(source), options)) {}
FastxReader::~FastxReader() = default;
FastxReader::FastxReader(FastxReader&&) noexcept = default;

bool FastxReader::next(Record& record) {
  State& state = *state_;
  if (!state.advance()) return false;
  const TitleParts title = split_title(state.title);
  record.name.assign(title.name);
  record.description.assign(title.description);
  record.sequence.assign(state.sequence);
  record.quality.assign(state.quality);
  record.has_quality = state.format == Format::kFastq;
  return true;
}

bool FastxReader::next(RecordView& record) {
  State& state = *state_;
  if (!state.advance()) return false;
  const TitleParts title = split_title(state.title);
  record = {title.name,        title.description, state.sequence, state.quality, state.format == Format::kFastq,
            state.offset_bytes};
  return true;
}

int64_t FastxReader::read(RecordBatch& batch, int64_t max_records) {
  State& state = *state_;
  int64_t num_read = 0;
  for (; num_read < max_records && state.advance(); ++num_read) {
    const TitleParts title = split_title(state.title);
    append_slice(title.name, batch.names, batch.name_offsets);
    append_slice(title.description, batch.descriptions, batch.description_offsets);
    append_slice(state.sequence, batch.sequences, batch.sequence_offsets);
    append_slice(state.quality, batch.qualities, batch.quality_offsets);
  }
  return num_read;
}

Format FastxReader::format() const { return state_->format; }
Container FastxReader::container() const { return state_->window.source().container(); }
const SkipReport& FastxReader::report() const { return state_->report; }

namespace {

std::string title_of(const Record& record) {
  return record.description.empty() ? record.name : record.name + " " + record.description;
}

}  // namespace

std::string to_fasta(const Record& record, int64_t width) {
  std::string out = ">" + title_of(record) + "\n";
  const size_t step = width > 0 ? static_cast<size_t>(width) : record.sequence.size();
  for (size_t at = 0; at < record.sequence.size(); at += step) {
    out.append(record.sequence, at, step);
    out += '\n';
  }
  return out;
}

std::string to_fastq(const Record& record) {
  if (record.quality.size() != record.sequence.size()) {
    throw ArgumentError("to_fastq: expected " + std::to_string(record.sequence.size()) + " quality bytes, got " +
                        std::to_string(record.quality.size()));
  }
  return "@" + title_of(record) + "\n" + record.sequence + "\n+\n" + record.quality + "\n";
}

}  // namespace deepbio::io
