// FASTA line by line with the byte of each, for what is made from a whole file: the .fai index and
// the packed genome. The readers of records do not keep where lines begin, which is all that an
// index is about.
#include "deepbio/io/reads/fasta_text.h"

#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/reads/text_kernels.h"

namespace deepbio::io {
namespace {

// A chromosome on one line is common. Longer ones than this exist (lungfish), but .2bit could not
// hold them either.
constexpr uint64_t kMaxLineBytes = uint64_t{1} << 32;

}  // namespace

FastaText::FastaText(const std::string& path)
    : path_(path), window_(open_bytes(path), kMaxLineBytes) {
  window_.more();
  if (window_.text().starts_with("\xef\xbb\xbf")) window_.drop(3);
  const std::string other = foreign_format(window_.text().substr(0, 512));
  if (!other.empty()) fail("FASTA records", other);
}

void FastaText::fail(const std::string& expected, const std::string& got, size_t place) const {
  throw ParseError({path_, record_, number_, offset_ + static_cast<int64_t>(place)}, expected, got,
                   ErrorKind::kStructure);
}

bool FastaText::next() {
  size_t end = window_.text().find('\n');
  while (end == std::string_view::npos && !window_.is_end()) {
    if (!window_.more() && !window_.is_end()) fail("a line of at most 4 GiB", "a longer one");
    end = window_.text().find('\n');
  }
  const std::string_view text = window_.text();
  if (text.empty()) {
    if (names_.empty())
      throw ParseError({path_}, "FASTA records", "no data", ErrorKind::kStructure);
    return false;
  }
  ++number_;
  offset_ = window_.offset();
  line_ = text.substr(0, end);
  window_.drop(std::min(line_.size() + 1, text.size()));
  line_bytes_ = line_.size() + 1;  // samtools counts a line end that the last line lacks
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  if (names_.empty() && !line_.empty() && !is_title()) fail("a FASTA title ('>')", quoted(line_));
  return true;
}

std::string_view FastaText::name() {
  ++record_;
  const std::string_view title = line_.substr(1);
  if (title.find('\r') != std::string_view::npos)
    fail("line ends LF or CR LF", "a lone CR in a title");
  const std::string_view name = title.substr(0, name_bytes(title));
  if (!names_.emplace(name).second) fail("a name used once", quoted(name) + " again");
  return name;
}

}  // namespace deepbio::io
