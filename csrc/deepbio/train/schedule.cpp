#include "deepbio/train/schedule.h"

#include <algorithm>
#include <cmath>

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

// From begin (share 0) to end (share 1) along half a cosine.
double along_cosine(double begin, double end, double share) {
  return end + (begin - end) * 0.5 * (1 + std::cos(M_PI * share));
}

double share_of(int64_t step, int64_t of) {
  return std::min(1.0, static_cast<double>(step) / static_cast<double>(std::max<int64_t>(of, 1)));
}

Rate warmup_cosine(const ScheduleOptions& options, int64_t update) {
  const int64_t warmup = std::min(options.warmup_steps, options.total_steps / 10);
  if (update < warmup)
    // From lr / warmup, not from 0: the first update moves something.
    return {options.lr * static_cast<double>(update + 1) / static_cast<double>(warmup)};
  return {along_cosine(options.lr, 0, share_of(update - warmup, options.total_steps - warmup))};
}

Rate cosine(const ScheduleOptions& options, int64_t update) {
  return {along_cosine(options.lr, 0, share_of(update, options.total_steps))};
}

Rate cosine_restarts(const ScheduleOptions& options, int64_t update) {
  int64_t length = std::max<int64_t>(options.total_steps / 4, 1);
  // Periods of T, 2 T, 4 T, ...: what is left is the place within the one it is in.
  for (; update >= length; length *= 2) update -= length;
  return {along_cosine(options.lr, 0, share_of(update, length))};
}

Rate onecycle(const ScheduleOptions& options, int64_t update) {
  constexpr double kRise = 0.3, kStart = 1.0 / 25, kEnd = kStart / 1e4, kMost = 0.95, kLeast = 0.85;
  const auto step = static_cast<double>(std::min(update, options.total_steps - 1));
  // As torch counts: the first update is step 0, the last total - 1.
  const double top = kRise * static_cast<double>(options.total_steps) - 1;
  const double bottom = static_cast<double>(options.total_steps) - 1;
  if (step <= top) {
    const double share = step / top;
    return {along_cosine(options.lr * kStart, options.lr, share),
            along_cosine(kMost, kLeast, share)};
  }
  const double share = (step - top) / (bottom - top);
  return {along_cosine(options.lr, options.lr * kEnd, share), along_cosine(kLeast, kMost, share)};
}

Rate constant(const ScheduleOptions& options, int64_t /*update*/) { return {options.lr}; }

struct Named {
  const char* name;
  Rate (*rate)(const ScheduleOptions&, int64_t);
};
constexpr Named kSchedules[] = {
    {"constant", &constant}, {"cosine", &cosine},    {"cosine_restarts", &cosine_restarts},
    {"onecycle", &onecycle}, {"plateau", &constant}, {"warmup_cosine", &warmup_cosine}};

}  // namespace

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const Named& schedule : kSchedules) names.emplace_back(schedule.name);
  return names;
}

Rate scheduled_rate(const ScheduleOptions& options, int64_t update) {
  for (const Named& schedule : kSchedules) {
    if (options.name == schedule.name) return schedule.rate(options, update);
  }
  throw ConfigError("`scheduler`: no schedule is called " + quoted(options.name));
}

void Plateau::see(double val_loss) {
  constexpr double kFactor = 0.3, kThreshold = 1e-4;
  constexpr int64_t kPatience = 5;
  // A relative gain, torch's threshold_mode rel.
  if (!best || val_loss < *best * (1 - kThreshold)) {
    best = val_loss;
    epochs_without_gain = 0;
    return;
  }
  if (++epochs_without_gain <= kPatience) return;
  factor *= kFactor;
  epochs_without_gain = 0;
}

}  // namespace deepbio::train
