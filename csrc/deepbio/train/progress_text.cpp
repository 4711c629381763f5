#include "deepbio/train/progress_text.h"

#include <cstdio>

#include "deepbio/train/losses.h"
#include "deepbio/train/metrics.h"

namespace deepbio::train {
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

std::string epoch_of(int64_t epoch, int64_t num_epochs) {
  return "epoch " + std::to_string(epoch + 1) + "/" + std::to_string(num_epochs);
}

}  // namespace

std::string line_of(const StepReport& report, int64_t num_epochs, int64_t batch_size,
                    double steps_per_second) {
  // Inner folds come before the first epoch and count epochs of their own.
  const std::string part =
      report.inner_fold > 0 ? "inner fold " + std::to_string(report.inner_fold) + "  " : "";
  // Steps to the end of the run, validation not counted.
  const int64_t left = (num_epochs - report.epoch) * report.num_steps - report.step - 1;
  return part + epoch_of(report.epoch, num_epochs) + "  step " + std::to_string(report.step + 1) +
         "/" + std::to_string(report.num_steps) + "  loss " + formatted("%.4f", report.loss) +
         "  " + formatted("%.1f", steps_per_second * static_cast<double>(batch_size)) +
         " samples/s  " + clock_text(static_cast<double>(left) / steps_per_second) + " left";
}

std::string line_of(const EpochReport& report, int64_t num_epochs) {
  std::string text = epoch_of(report.epoch, num_epochs) + "  loss " +
                     formatted("%.4f", report.train_loss) + "  val " +
                     formatted("%.4f", report.val_loss);
  const auto show = [&](const char* name, bool is_shown) {
    const auto found = report.val_terms.find(name);
    if (!is_shown || found == report.val_terms.end()) return;
    text += "  " + found->first + " " + formatted("%.4g", found->second);
  };
  for (const Metric& metric : metrics()) show(metric.name, metric.is_shown);
  for (const LossTerm& term : loss_terms()) {
    const auto found = report.val_terms.find(term.name);
    // A term of weight 0, or without data, is 0 and not worth a column.
    show(term.name, found != report.val_terms.end() && found->second != 0);
  }
  if (report.skipped_steps > 0)
    text += "  " + std::to_string(report.skipped_steps) + " steps passed over";
  return text + "  " + formatted("%.1f", report.samples_per_second) + " samples/s" +
         (report.is_best ? "  best" : "");
}

std::string place_of(const FitResult& result) {
  // People count from 1.
  const std::string epoch = std::to_string(result.saved_epochs + 1);
  if (result.saved_steps > 0)
    return "in epoch " + epoch + " after step " + std::to_string(result.saved_steps);
  return result.saved_epochs > 0 ? "after epoch " + std::to_string(result.saved_epochs)
                                 : "with the first epoch";
}

}  // namespace deepbio::train
