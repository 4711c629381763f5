#include "tools/progress.h"

#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/train/losses.h"
#include "deepbio/train/metrics.h"

namespace deepbio::tools {
namespace {

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string clock_text(double seconds) {
  char text[32];
  const auto whole = static_cast<int64_t>(seconds);
  std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(whole / 60),
                static_cast<long long>(whole % 60));
  return text;
}

}  // namespace

TrainingProgress::TrainingProgress(const std::string& log_path, bool quiet, int64_t num_epochs, bool append)
    : log_(log_path, append ? std::ios::app : std::ios::trunc),
      quiet_(quiet),
      is_terminal_(isatty(STDERR_FILENO) != 0),
      num_epochs_(num_epochs),
      start_(std::chrono::steady_clock::now()),
      last_shown_(start_) {
  if (!log_) throw WriteError(log_path + ": cannot be written");
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
  const std::string part = report.inner_fold > 0 ? "inner fold " + std::to_string(report.inner_fold) + "  " : "";
  const int64_t left = (num_epochs_ - report.epoch) * report.num_steps - report.step - 1;
  const std::string text = part + "epoch " + std::to_string(report.epoch + 1) + "/" + std::to_string(num_epochs_) +
                           "  step " + std::to_string(report.step + 1) + "/" + std::to_string(report.num_steps) +
                           "  loss " + formatted("%.4f", report.loss) + "  " +
                           formatted("%.1f", rate * static_cast<double>(batch_size)) + " samples/s  " +
                           clock_text(static_cast<double>(left) / rate) + " left";
  clear();
  std::cerr << text << std::flush;
  shown_width_ = text.size();
}

void TrainingProgress::epoch(const train::EpochReport& report) {
  std::string text = "epoch " + std::to_string(report.epoch + 1) + "/" + std::to_string(num_epochs_) + "  loss " +
                     formatted("%.4f", report.train_loss) + "  val " + formatted("%.4f", report.val_loss);
  const auto show = [&](const char* name, bool is_shown) {
    const auto found = report.val_terms.find(name);
    if (is_shown && found != report.val_terms.end())
      text += "  " + found->first + " " + formatted("%.4g", found->second);
  };
  for (const train::Metric& metric : train::metrics()) show(metric.name, metric.is_shown);
  for (const train::LossTerm& term : train::loss_terms()) {
    const auto found = report.val_terms.find(term.name);
    show(term.name, found != report.val_terms.end() && found->second != 0);
  }
  if (report.skipped_steps > 0) text += "  " + std::to_string(report.skipped_steps) + " steps passed over";
  text += "  " + formatted("%.1f", report.samples_per_second) + " samples/s" + (report.is_best ? "  best" : "");
  line(text);
}

}  // namespace deepbio::tools
