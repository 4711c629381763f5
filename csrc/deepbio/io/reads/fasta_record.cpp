// FASTA records from a window of text. Most lines are taken in bulk by the kernels; a line that
// they stop at (a title, a comment, a blank at the end, something wrong) is looked at by itself
// here.
#include "deepbio/io/reads/fasta_record.h"

#include <algorithm>
#include <utility>

namespace deepbio::io {
namespace {

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

}  // namespace

FastaScanner::FastaScanner(TextWindow& window, uint64_t max_record_bytes, Simd simd)
    : window_(window), max_record_bytes_(max_record_bytes), lines_(max_record_bytes, simd) {}

FastaScanner::Result FastaScanner::next() {
  is_bad_ = is_too_large_ = false;
  Line taken;
  if (!find_title(taken)) return stopped();
  is_skipping_ = false;
  offset_bytes = taken.offset_bytes;
  line = taken.number;
  title_.assign(taken.text.substr(1));
  if (!is_title_good(title_, problem)) {
    fail(problem.kind, taken, problem.offset_bytes, problem.expected, problem.got);
    return Result::kBad;
  }
  if (!read_sequence()) return stopped();
  title = title_;
  sequence = lines_.joined();
  return Result::kRecord;
}

FastaScanner::Result FastaScanner::stopped() const {
  return is_bad_ ? Result::kBad : is_too_large_ ? Result::kTooLarge : Result::kEnd;
}

// False, for a caller to return.
bool FastaScanner::fail(ErrorKind kind, const Line& where, size_t at, std::string expected,
                        std::string got) {
  problem = {kind, 0, at, std::move(expected), std::move(got)};
  problem_line = where.number;
  problem_offset_bytes = where.offset_bytes;
  // After a bad record lines are passed over up to the next title, without further complaints.
  is_bad_ = is_skipping_ = true;
  return false;
}

// False at the end of the data or when a line is too large. A line is read in one piece, within the
// record limit.
bool FastaScanner::take_line(Line& taken) {
  size_t end = window_.text().find('\n');
  while (end == std::string_view::npos && !window_.is_end()) {
    is_too_large_ = !window_.more() && !window_.is_end();
    if (is_too_large_) return false;
    end = window_.text().find('\n');
  }
  std::string_view text = window_.text();
  if (text.empty()) return false;
  const bool is_last = end == std::string_view::npos;
  text = text.substr(0, end);
  taken.offset_bytes = window_.offset();
  taken.number = window_.line();
  window_.drop(text.size() + (is_last ? 0 : 1), 1);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  taken.text = text;
  return true;
}

bool FastaScanner::find_title(Line& taken) {
  while (take_line(taken)) {
    if (!taken.text.empty() && taken.text[0] == '>') return true;
    // ';' begins a comment in Pearson's original format.
    if (taken.text.empty() || taken.text[0] == ';' || is_skipping_) continue;
    return fail(ErrorKind::kStructure, taken, 0, "a title line that starts with '>'",
                quoted(taken.text));
  }
  return false;
}

bool FastaScanner::read_sequence() {
  lines_.clear();
  Line taken;
  while (true) {
    if (window_.text().empty() && !window_.more()) {
      is_too_large_ = !window_.is_end();
      return !is_too_large_;
    }
    // Only after a line end: the window is dropped by whole lines.
    if (window_.text()[0] == '>') return true;
    if (take_plain_lines()) continue;
    if (!take_line(taken)) return !is_too_large_;
    if (!taken.text.empty() && taken.text[0] == ';') continue;
    if (!append(taken)) return false;
  }
}

bool FastaScanner::append(Line& taken) {
  // Blanks at the end of a line come from editors and mean nothing; inside of a line they may be
  // alignment text, and are refused.
  if (!is_sequence_text(taken.text)) taken.text = without_trailing_blanks(taken.text);
  if (!is_sequence_text(taken.text)) {
    const auto bad = std::find_if_not(taken.text.begin(), taken.text.end(), [](char c) {
      return is_sequence_byte(static_cast<unsigned char>(c));
    });
    return fail(ErrorKind::kAlphabet, taken, static_cast<size_t>(bad - taken.text.begin()),
                "a sequence of letters, '*', '-' or '.'", quoted(std::string_view(&*bad, 1)));
  }
  is_too_large_ = lines_.size() + taken.text.size() > max_record_bytes_;
  if (!is_too_large_) lines_.append(taken.text);
  return !is_too_large_;
}

// False when the next line has to be looked at by itself.
bool FastaScanner::take_plain_lines() {
  const uint64_t room = max_record_bytes_ - std::min<uint64_t>(lines_.size(), max_record_bytes_);
  const auto taken = lines_.append_lines(
      window_.text().substr(0, static_cast<size_t>(std::min<uint64_t>(room, SIZE_MAX))));
  window_.drop(taken.num_bytes, taken.num_lines);
  return taken.num_lines > 0;
}

}  // namespace deepbio::io
