// The reader of FASTA, FASTQ and BAM: it recognises the format, asks the scanner of that format for
// one record after another, and does with each what the options ask (Phred+64, an alphabet, fields
// that are not wanted). After an error it stays in error: every later call says the same.
#include "deepbio/io/reads/fastx.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "deepbio/io/foreign.h"
#include "deepbio/io/reads/fastx_state.h"

namespace deepbio::io {
namespace {

constexpr uint64_t kMaxDamageSearchBytes = uint64_t{1} << 30;

FastxOptions with_limit(FastxOptions options, const ByteSource& source) {
  if (options.max_record_bytes == 0) options.max_record_bytes = default_record_limit(source);
  return options;
}

// The name ends at the first blank or tab; one of those is the separator and belongs to neither
// part.
void set_title(RecordView& record, std::string_view title, size_t name_size) {
  record.name = title.substr(0, name_size);
  record.description = title.substr(std::min(name_size + 1, title.size()));
}

}  // namespace

FastxReader::State::State(std::unique_ptr<ByteSource> source, const FastxOptions& chosen)
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

bool FastxReader::State::advance(RecordView& record) {
  if (failure) throw ParseError(*failure);
  if (is_empty) return false;
  try {
    while (advance_any(record)) {
      // The conversion comes first: its errors are about the bytes of the file.
      if (options.quality_offset == 64 && format == Format::kFastq && !convert_quality(record))
        continue;
      if (options.alphabet != Letters::kAny && !check_letters(record)) continue;
      ++report.num_records;
      // Cleared after they were checked: what a caller does not ask for must still be sound.
      if (!options.fields.titles) record.name = record.description = {};
      if (!options.fields.sequences) record.sequence = {};
      if (!options.fields.qualities) record.quality = {};
      if (!options.fields.qualities) record.has_quality = false;
      return true;
    }
    add_warnings();
    return false;
  } catch (const ParseError& error) {
    failure = error;
    find_container_damage(error.kind());
    throw;
  }
}

// The first byte after a byte-order mark and blank lines decides; compression was seen to before.
void FastxReader::State::recognise() {
  window.more();
  if (window.text().starts_with(kBamMagic)) return read_bam_header();
  if (window.text().substr(0, 3) == "\xef\xbb\xbf") window.drop(3);
  if (!skip_blank_lines()) return refuse_empty("FASTA or FASTQ records", "no data");
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

// A file without records is an error, unless that is allowed.
void FastxReader::State::refuse_empty(const char* expected, const char* got) {
  is_empty = options.allow_empty || options.on_bad_record == OnBadRecord::kSkip;
  // After a header the first record is what is missing.
  if (!is_empty)
    throw ParseError({path(), format == Format::kBam ? 0 : -1, line(), window.offset()}, expected,
                     got, ErrorKind::kStructure);
  report.warnings.emplace_back("no records: an empty file");
}

void FastxReader::State::read_bam_header() {
  format = Format::kBam;
  if (options.quality_offset != 33) {
    throw ArgumentError(
        "quality_offset: expected 33 for BAM, whose qualities have no offset, got " +
        std::to_string(options.quality_offset));
  }
  auto result = bam.scan_header(window.text(), window.is_end());
  for (; result == BamScanner::Result::kNeedMore;
       result = bam.scan_header(window.text(), window.is_end())) {
    more_of_record();
  }
  if (result == BamScanner::Result::kBad) fail(bam.problem);
  window.drop(bam.num_bytes);
  if (window.text().empty() && !window.more()) refuse_empty("reads", "a BAM header alone");
}

// What is odd about the whole file, once.
void FastxReader::State::add_warnings() {
  if (std::exchange(is_warned, true)) return;
  for (std::string warning : {window.source().warning(), left_out_warning(report.num_left_out)}) {
    if (!warning.empty()) report.warnings.push_back(std::move(warning));
  }
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

// Adds text to the window when a record goes on after it. throws when the record is too large.
void FastxReader::State::more_of_record() {
  if (!window.more() && !window.is_end()) too_large();
}

void FastxReader::State::too_large() const {
  throw ParseError({path(), num_seen(), line(), window.offset()},
                   "a record of at most " + std::to_string(options.max_record_bytes) +
                       " bytes (max_record_bytes)",
                   "a larger one", ErrorKind::kResource);
}

// True when a byte follows that is no line end.
// A lone CR at the end of the window may be half of a line end: more text is needed to tell.
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

// Records in front of the one that is looked at.
int64_t FastxReader::State::num_seen() const {
  return report.num_records + report.num_skipped + report.num_left_out;
}

// Bytes after which nothing can be told.
void FastxReader::State::fail(const RecordProblem& problem) const {
  throw ParseError(
      {path(), num_seen(), line(), window.offset() + static_cast<int64_t>(problem.offset_bytes)},
      problem.expected, problem.got, problem.kind);
}

// The usual record, when it is whole at the front of the window.
inline bool FastxReader::State::take_four_lines(RecordView& record) {
  const std::string_view text = window.text();
  const FourLines* const found = fastq.scan_four_lines(text);
  // After blank lines the slow way decides whether they are allowed.
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

bool FastxReader::State::advance_any(RecordView& record) {
  switch (format) {
    case Format::kFasta:
      record.has_quality = false;
      return advance_fasta(record);
    case Format::kFastq:
      record.has_quality = true;
      return advance_fastq(record);
    case Format::kBam:
      return advance_bam(record);
  }
  return false;
}

bool FastxReader::State::advance_bam(RecordView& record) {
  while (!window.text().empty() || window.more()) {
    switch (bam.scan(window.text(), window.is_end())) {
      case BamScanner::Result::kRecord:
        record = {bam.name,    bam.description, bam.sequence,
                  bam.quality, bam.has_quality, window.offset()};
        line_number = -1;
        window.drop(bam.num_bytes);
        return true;
      case BamScanner::Result::kLeftOut:
        ++report.num_left_out;
        window.drop(bam.num_bytes);
        break;
      case BamScanner::Result::kNeedMore:
        more_of_record();
        break;
      case BamScanner::Result::kBad:
        // A size that cannot be right leaves no place to go on from, whatever the policy.
        if (bam.num_bytes == 0) fail(bam.problem);
        give_up(bam.problem, -1, window.offset());
        window.drop(bam.num_bytes);
        break;
    }
  }
  return false;
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
  // Phred+64 begins at '@'. Solexa's scores below 0, down to ';', are another scale and are
  // refused.
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
  // 256 MiB hold any read; a record of a file is at most the file, or of a compressed one 16 times
  // that, as deflate packs letters some four to one and only long repeats better. A pipe has no
  // size: 4 GiB.
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

std::string_view to_string(Format format) {
  if (format == Format::kBam) return "bam";
  return format == Format::kFasta ? "fasta" : "fastq";
}

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
