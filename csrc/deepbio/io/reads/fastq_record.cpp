// FASTQ in two speeds. Nearly every record is four lines without a fault, and a kernel finds those;
// the steps here take what is left: wrapped records, CR LF, the end of the file, and everything
// that is wrong, with the words for it.
#include "deepbio/io/reads/fastq_record.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace deepbio::io {
namespace {

const char* find_newline(const char* begin, const char* end) {
  return static_cast<const char*>(std::memchr(begin, '\n', static_cast<size_t>(end - begin)));
}

}  // namespace

bool is_title_good(std::string_view title, RecordProblem& problem) {
  if (is_plain_title(title)) return true;
  // Whichever comes first; npos is larger than any place.
  const size_t nul = title.find('\0'), carriage = title.find('\r');
  if (carriage < nul) {
    problem = {ErrorKind::kStructure, 0, carriage + 1, "line ends LF or CR LF",
               "a lone CR in a title"};
  } else {
    problem = {ErrorKind::kAlphabet, 0, nul + 1, "a title of text", "a NUL byte"};
  }
  return false;
}

FastqScanner::FastqScanner(Simd simd) : kernels_(&text_kernels(simd)) {}

// The steps start again from the first line when more text has come: records are small against the
// window, so that this is rare.
FastqScanner::Result FastqScanner::scan(std::string_view text, bool is_end) {
  if (const FourLines* found = scan_four_lines(text)) {
    title = {found->title, found->title_size};
    name_bytes = found->name_size;
    sequence = {found->sequence, found->length};
    quality = {found->quality, found->length};
    num_bytes = static_cast<size_t>(found->end - text.data());
    num_lines = 4;
    return Result::kRecord;
  }
  text_ = text;
  is_end_ = is_end;
  at_ = 0;
  num_lines = 0;
  for (const auto step :
       {&FastqScanner::read_title, &FastqScanner::read_sequence, &FastqScanner::read_plus,
        &FastqScanner::read_quality, &FastqScanner::check_letters}) {
    const Result result = (this->*step)();
    if (result != Result::kRecord) return result;
  }
  num_bytes = at_;
  name_bytes = io::name_bytes(title);
  return Result::kRecord;
}

FastqScanner::Take FastqScanner::take(Line& line) {
  if (at_ == text_.size()) return is_end_ ? Take::kEnd : Take::kNeedMore;
  const char *const begin = text_.data() + at_, *const end = text_.data() + text_.size();
  const char* line_end = find_newline(begin, end);
  if (line_end == nullptr && !is_end_) return Take::kNeedMore;
  line.is_terminated = line_end != nullptr;
  if (line_end == nullptr) line_end = end;
  line.text = line_text(begin, line_end);
  line.offset_bytes = at_;
  line.number = num_lines++;
  at_ = static_cast<size_t>(line_end - text_.data()) + (line.is_terminated ? 1 : 0);
  return Take::kLine;
}

FastqScanner::Result FastqScanner::bad(ErrorKind kind, const Line& line, std::string expected,
                                       std::string got) {
  problem = {kind, line.number, line.offset_bytes, std::move(expected), std::move(got)};
  return Result::kBad;
}

FastqScanner::Result FastqScanner::truncated(const char* expected) {
  problem = {ErrorKind::kLength, std::max<int64_t>(num_lines - 1, 0), text_.size(), expected,
             "the end of the file inside a record"};
  return Result::kBad;
}

FastqScanner::Result FastqScanner::wrong_length(const Line& line, size_t size) {
  return bad(ErrorKind::kLength, line,
             std::to_string(sequence.size()) + " quality bytes, as many as the sequence has",
             std::to_string(size));
}

FastqScanner::Result FastqScanner::read_title() {
  const Take took = take(title_line_);
  if (took == Take::kNeedMore) return Result::kNeedMore;
  if (took == Take::kEnd) return truncated("a title line that starts with '@'");
  if (title_line_.text.empty() || title_line_.text[0] != '@') {
    return bad(ErrorKind::kStructure, title_line_, "a title line that starts with '@'",
               quoted(title_line_.text));
  }
  title = title_line_.text.substr(1);
  if (!is_title_good(title, problem)) return Result::kBad;
  // A title at the very end of the file without a line end is a record that was cut.
  return title_line_.is_terminated ? Result::kRecord : truncated("a whole title line");
}

FastqScanner::Result FastqScanner::read_sequence() {
  Take took = take(sequence_line_);
  if (took == Take::kNeedMore) return Result::kNeedMore;
  if (took == Take::kEnd || !sequence_line_.is_terminated)
    return truncated("a whole sequence line");
  sequence = sequence_line_.text;
  took = take(plus_line_);
  if (took == Take::kNeedMore) return Result::kNeedMore;
  if (took == Take::kEnd) return truncated("a line that starts with '+'");
  return !plus_line_.text.empty() && plus_line_.text[0] == '+' ? Result::kRecord
                                                               : read_wrapped_sequence(plus_line_);
}

// Space for the whole text at once, so that a record near the limit never has its old and its new
// memory side by side.
void FastqScanner::begin_joining(std::string& joined, std::string_view first) const {
  if (joined.capacity() < text_.size()) {
    std::string().swap(joined);  // an assignment would keep the old memory
    joined.reserve(text_.size());
  }
  joined = first;
}

// `first` is where '+' is due in a four-line record, so that is what is missing if the lines
// are no sequence.
FastqScanner::Result FastqScanner::read_wrapped_sequence(const Line& first) {
  const Line third = first;
  const auto no_plus = [&] {
    return bad(ErrorKind::kStructure, third, "a line that starts with '+'", quoted(third.text));
  };
  // Blank lines at the end of the file after a title and a sequence: what is missing is the '+',
  // and more text may still bring it.
  if (third.text.empty() && text_.find_first_not_of("\r\n", at_) == std::string_view::npos) {
    return is_end_ ? truncated("a line that starts with '+'")
                   : Result::kNeedMore;  // only blank lines follow
  }
  if (sequence.empty() || !is_sequence_text(sequence)) return no_plus();
  begin_joining(joined_sequence_, sequence);
  Line line = third;
  while (line.text.empty() || line.text[0] != '+') {
    if (line.text.empty() || !is_sequence_text(line.text)) return no_plus();
    if (!line.is_terminated) return truncated("a whole sequence line");
    joined_sequence_ += line.text;
    const Take took = take(line);
    if (took == Take::kNeedMore) return Result::kNeedMore;
    if (took == Take::kEnd) return truncated("a line that starts with '+'");
  }
  plus_line_ = line;
  sequence = joined_sequence_;
  return Result::kRecord;
}

FastqScanner::Result FastqScanner::read_plus() {
  // An empty read at the end of a file may end with its '+': there is no quality to follow.
  const bool is_bare_end = sequence.empty() && plus_line_.text.size() == 1;
  if (!plus_line_.is_terminated && !is_bare_end) return truncated("a whole '+' line");
  if (!is_plus_line_for(plus_line_.text, title)) {
    return bad(ErrorKind::kStructure, plus_line_, "'+' alone or with the title " + quoted(title),
               quoted(plus_line_.text));
  }
  return Result::kRecord;
}

FastqScanner::Result FastqScanner::read_quality() {
  quality_line_ = {};
  const Take took = take(quality_line_);
  if (took == Take::kNeedMore) return Result::kNeedMore;
  quality = quality_line_.text;
  if (took == Take::kEnd) return sequence.empty() ? Result::kRecord : truncated("a quality line");
  if (quality.size() == sequence.size()) return Result::kRecord;
  // Shorter may be wrapped; longer never is.
  if (quality.empty() || quality.size() > sequence.size())
    return wrong_length(quality_line_, quality.size());
  return read_wrapped_quality(quality_line_);
}

// A quality that goes on over lines ends exactly at the length of the sequence, before the next
// title or the end.
FastqScanner::Result FastqScanner::read_wrapped_quality(const Line& first) {
  begin_joining(joined_quality_, first.text);
  Line line;
  while (joined_quality_.size() < sequence.size()) {
    const Take took = take(line);
    if (took == Take::kNeedMore) return Result::kNeedMore;
    if (took == Take::kEnd || !is_quality_text(line.text))
      return wrong_length(first, first.text.size());
    joined_quality_ += line.text;
  }
  if (joined_quality_.size() > sequence.size()) return wrong_length(first, first.text.size());
  // What follows decides whether this was the last line of the quality.
  if (at_ == text_.size() && !is_end_) return Result::kNeedMore;
  const char next = at_ < text_.size() ? text_[at_] : '\n';
  if (next != '@' && next != '\n' && next != '\r') return wrong_length(first, first.text.size());
  quality = joined_quality_;
  return Result::kRecord;
}

// Last, so that a shift of lines is called by its name (a length, a '+' line) and not by the first
// odd letter that it brings.
FastqScanner::Result FastqScanner::check_letters() {
  const auto first_bad = [](std::string_view text, bool (*is_good)(unsigned char)) {
    const auto found = std::find_if(text.begin(), text.end(), [is_good](char c) {
      return !is_good(static_cast<unsigned char>(c));
    });
    return static_cast<size_t>(found - text.begin());
  };
  // Wrapped lines were checked when they were joined, so a bad byte is in the first line.
  if (const size_t at = first_bad(sequence, is_sequence_byte); at < sequence.size()) {
    Line place = sequence_line_;
    place.offset_bytes += at;
    return bad(ErrorKind::kAlphabet, place, "a sequence of letters, '*', '-' or '.'",
               quoted(sequence.substr(at, 1)));
  }
  if (const size_t at = first_bad(quality, is_quality_byte); at < quality.size()) {
    Line place = quality_line_;
    place.offset_bytes += at;
    return bad(ErrorKind::kAlphabet, place, "quality bytes from '!' to '~'",
               quoted(quality.substr(at, 1)));
  }
  return Result::kRecord;
}

}  // namespace deepbio::io
