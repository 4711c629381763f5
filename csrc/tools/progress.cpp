#include "tools/progress.h"

#include <iostream>

#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/train/progress_text.h"

namespace deepbio::tools {
TrainingProgress::TrainingProgress(const std::string& log_path, bool quiet, int64_t num_epochs,
                                   bool append)
    : log_(log_path, append ? std::ios::app : std::ios::trunc),
      quiet_(quiet),
      is_terminal_(isatty(STDERR_FILENO) != 0),
      num_epochs_(num_epochs),
      start_(std::chrono::steady_clock::now()),
      last_shown_(start_) {
  if (!log_path.empty() && !log_) throw WriteError(log_path + ": cannot be written");
}

void TrainingProgress::clear() {
  if (shown_width_ > 0) std::cerr << '\r' << std::string(shown_width_, ' ') << '\r';
  shown_width_ = 0;
}

void TrainingProgress::line(const std::string& text) {
  log_ << text << std::endl;
  if (quiet_) return;
  clear();
  std::cerr << text << std::endl;
}

void TrainingProgress::step(const train::StepReport& report, int64_t batch_size) {
  ++steps_done_;
  if (!report.skipped.empty()) line(report.skipped);
  const auto now = std::chrono::steady_clock::now();
  if (quiet_ || !is_terminal_ || now - last_shown_ < std::chrono::milliseconds(200)) return;
  last_shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(steps_done_) / seconds;
  const std::string text = train::line_of(report, num_epochs_, batch_size, rate);
  clear();
  std::cerr << text << std::flush;
  shown_width_ = text.size();
}

void TrainingProgress::epoch(const train::EpochReport& report) {
  line(train::line_of(report, num_epochs_));
}

}  // namespace deepbio::tools
