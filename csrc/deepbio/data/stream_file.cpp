#include "deepbio/data/stream_file.h"

#include <sys/stat.h>

#include "deepbio/base/error.h"
#include "deepbio/data/reads.h"

namespace deepbio::data {

FileMark FileMark::of(const std::string& path) {
  struct stat status {};
  // Pipes have neither size nor time that would stay: they compare equal at every look.
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

StreamFile::StreamFile(const std::string& path, const std::string& mate,
                       const ReadStreamOptions& options)
    : paths_{path} {
  if (!mate.empty()) paths_.push_back(mate);
  // Before the file is opened: a change in between is seen as one.
  for (const auto& each : paths_) marks_.push_back(FileMark::of(each));
  if (!options.mates.is_given()) {
    reader_.emplace(path, options.fastx);
    // One file whose records alternate between the two reads of a pair.
  } else if (mate.empty()) {
    pair_reader_.emplace(path, options.fastx);
  } else {
    pair_reader_.emplace(path, mate, options.fastx);
  }
}

void StreamFile::check_unchanged() const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    // Size and time are enough: an epoch that mixes two versions of a file could not be repeated.
    if (FileMark::of(paths_[i]) == marks_[i]) continue;
    throw ParseError({paths_[i], num_read_}, "a file that stays as it was when it was opened",
                     "a file that was written to or removed while it was read");
  }
}

int64_t StreamFile::read(ReadPairs& out, int64_t count) {
  int64_t taken = 0;
  if (reader_) {
    taken = reader_->read(*out.records, count);
  } else {
    for (; taken < count && pair_reader_->next(pair_); ++taken) {
      out.records->append(pair_.first);
      out.mates->append(pair_.second);
    }
  }
  num_read_ += taken;
  return taken;
}

void StreamFile::report_to(io::SkipReport& report) const {
  if (reader_) add_report(reader_->report(), report);
  for (const std::string& warning :
       reader_ ? reader_->report().warnings : pair_reader_->warnings()) {
    report.warnings.push_back(paths_[0] + ": " + warning);
  }
}

}  // namespace deepbio::data
