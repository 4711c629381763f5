// What a FastxReader does with a record that is not as it should be: it raises, or counts and goes
// on with the next.
#include <utility>

#include "deepbio/io/reads/fastx_state.h"

namespace deepbio::io {
namespace {

constexpr size_t kMaxExamples = 3;

}  // namespace

// Raises the problem of a record whose place begins at this line and byte, or counts it.
void FastxReader::State::give_up(const RecordProblem& problem, int64_t line, int64_t offset) {
  ParseError error({path(), num_seen(), line + problem.line,
                    offset + static_cast<int64_t>(problem.offset_bytes)},
                   problem.expected, problem.got, problem.kind);
  if (options.on_bad_record == OnBadRecord::kRaise) throw ParseError(std::move(error));
  ++report.num_skipped;
  ++report.reasons[std::string(to_string(problem.kind))];
  // A few messages in full and the rest as counts: a file with a million bad records would fill
  // memory with sentences.
  if (report.examples.size() < kMaxExamples) report.examples.emplace_back(error.what());
}

// Drops lines until a whole record is at the front. '@' alone does not tell a title: a quality
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

}  // namespace deepbio::io
