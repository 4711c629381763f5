// Windows like others in their share of C and G, drawn from the rest of a genome.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/base/random.h"
#include "deepbio/data/window_places.h"

namespace deepbio::data {
namespace {

// Windows looked at for each that is wanted: a genome in which so many are of no use has no more.
constexpr int64_t kMostTries = 400;
constexpr double kMostNegatives = 1e6;

// Share of C and G among known bases; negative when too many are N.
double gc_share(const io::TwoBitFile& genome, int32_t chromosome, int64_t start, int64_t end,
                double most_unknown) {
  const int64_t length = genome.sequences()[static_cast<size_t>(chromosome)].length_bp;
  const int64_t first = std::max<int64_t>(start, 0), last = std::min(end, length);
  // N has no base: a window of half N is compared by the other half, if `most_unknown` lets it be.
  const int64_t known = last - first - genome.count_unknown(chromosome, first, last);
  if (known <= 0 ||
      static_cast<double>(end - start - known) > most_unknown * static_cast<double>(end - start))
    return -1;
  return static_cast<double>(genome.count_gc(chromosome, first, last)) / static_cast<double>(known);
}

struct Candidate {
  int32_t chromosome = 0;
  int64_t start = 0;
  char is_reversed = 0;
};

class NegativeDrawer {
 public:
  NegativeDrawer(const io::TwoBitFile& genome, const CoveredBases& covered,
                 const NegativeOptions& options)
      : genome_(genome),
        covered_(covered),
        options_(options),
        // One more bin for a share of exactly 1.
        num_bins_(static_cast<size_t>(std::ceil(1 / options.gc_step)) + 1),
        wanted_(num_bins_, 0),
        found_(num_bins_) {
    for (const int32_t each : options.chromosomes) {
      const int64_t length = genome.sequences()[static_cast<size_t>(each)].length_bp;
      // Starts of all chromosomes side by side: a number below the last end is a chromosome and a
      // start, each start equally likely. A chromosome shorter than a window has none.
      ends_.push_back((ends_.empty() ? 0 : ends_.back()) +
                      std::max<int64_t>(length - options.window + 1, 0));
    }
  }

  WindowPlaces run(const WindowPlaces& like) {
    want(like);
    const int64_t all = ends_.empty() ? 0 : ends_.back();
    const int64_t most = all == 0 ? 0 : kMostTries * options_.count;
    CounterRandom random(options_.seed, 0, 0, Purpose::kSubset);
    // Rejection: what does not fit is drawn again. One stream in one thread, so that a seed gives
    // the same windows everywhere.
    for (int64_t i = 0; i < most && missing_ > 0; ++i) look_at(random, all);
    return chosen();
  }

 private:
  // How many of each bin: as many times `count` as the windows that are to be matched have there.
  void want(const WindowPlaces& like) {
    std::vector<int64_t> seen(num_bins_, 0);
    int64_t total = 0;
    for (size_t i = 0; i < like.starts.size(); ++i) {
      const double gc = gc_share(genome_, like.chromosome[i], like.starts[i],
                                 like.starts[i] + options_.window, 1);
      if (gc < 0) continue;
      ++seen[bin_of(gc)];
      ++total;
    }
    // Cumulated shares are rounded, so that the bins add up to `count`.
    int64_t before = 0, given = 0;
    for (size_t bin = 0; bin < num_bins_ && total > 0; ++bin) {
      before += seen[bin];
      wanted_[bin] = before * options_.count / total - given;
      given += wanted_[bin];
    }
    missing_ = given;
  }

  size_t bin_of(double gc) const {
    return std::min(static_cast<size_t>(gc / options_.gc_step), num_bins_ - 1);
  }

  void look_at(CounterRandom& random, int64_t all) {
    const auto place = static_cast<int64_t>(random.below(static_cast<uint64_t>(all)));
    // Drawn before the window is looked at: each try takes two numbers, whatever comes of it.
    const char is_reversed = random.below(2) == 1 ? 1 : 0;
    const auto after = std::upper_bound(ends_.begin(), ends_.end(), place);
    const auto which = static_cast<size_t>(after - ends_.begin());
    const int32_t chromosome = options_.chromosomes[which];
    const int64_t start = place - (which == 0 ? 0 : ends_[which - 1]);
    const int64_t end = start + options_.window;
    if (covered_.overlaps(chromosome, start, end)) return;
    const double gc = gc_share(genome_, chromosome, start, end, options_.most_unknown);
    if (gc < 0) return;
    std::vector<Candidate>& found = found_[bin_of(gc)];
    // Some more than wanted are kept for bins that find too few.
    if (static_cast<int64_t>(found.size()) >= options_.count) return;
    found.push_back({chromosome, start, is_reversed});
    if (static_cast<int64_t>(found.size()) <= wanted_[bin_of(gc)]) --missing_;
  }

  WindowPlaces chosen() {
    WindowPlaces out;
    std::vector<size_t> used(num_bins_, 0);
    const auto take = [&](size_t bin, int64_t count) {
      for (; count > 0 && used[bin] < found_[bin].size(); --count) {
        const Candidate& each = found_[bin][used[bin]++];
        out.chromosome.push_back(each.chromosome);
        out.starts.push_back(each.start);
        out.is_reversed.push_back(each.is_reversed);
        out.interval.push_back(-1);
      }
      return count;
    };
    std::vector<int64_t> lacking(num_bins_, 0);
    for (size_t bin = 0; bin < num_bins_; ++bin) lacking[bin] = take(bin, wanted_[bin]);
    for (size_t bin = 0; bin < num_bins_; ++bin) {
      // Outwards from the bin, lower side first.
      for (size_t far = 1; far < num_bins_ && lacking[bin] > 0; ++far) {
        if (far <= bin) lacking[bin] = take(bin - far, lacking[bin]);
        if (bin + far < num_bins_) lacking[bin] = take(bin + far, lacking[bin]);
      }
    }
    return out;
  }

  const io::TwoBitFile& genome_;
  const CoveredBases& covered_;
  const NegativeOptions& options_;
  size_t num_bins_;
  std::vector<int64_t> wanted_, ends_;  // of each bin; places before the end of each chromosome
  std::vector<std::vector<Candidate>> found_;
  int64_t missing_ = 0;
};

void append(const WindowPlaces& from, WindowPlaces& to) {
  to.chromosome.insert(to.chromosome.end(), from.chromosome.begin(), from.chromosome.end());
  to.starts.insert(to.starts.end(), from.starts.begin(), from.starts.end());
  to.is_reversed.insert(to.is_reversed.end(), from.is_reversed.begin(), from.is_reversed.end());
  to.interval.insert(to.interval.end(), from.interval.begin(), from.interval.end());
}

// Names that are the genome's only without their `chr`.
void say_matches(const io::TwoBitFile& genome, const std::string& path,
                 const io::Intervals& intervals, ChromosomeNames names,
                 std::vector<std::string>& notes) {
  int64_t count = 0;
  std::string first;
  for (const std::string& name : intervals.names()) {
    const int64_t found = find_chromosome(genome, name, names);
    if (found < 0 || genome.find(name) >= 0) continue;
    if (count++ == 0)
      first = quoted(name) + " is " + quoted(genome.sequences()[static_cast<size_t>(found)].name);
  }
  if (count > 0)
    notes.push_back(std::to_string(count) + " chromosomes of " + intervals.path() +
                    " are matched with those of " + path + " by their names without chr: " + first);
}

void add_negatives(const io::TwoBitFile& genome, const io::Intervals& intervals,
                   const WindowRequest& request, CoveredBases& covered, ChosenWindows& out) {
  // Intervals as well as the windows around them: either may be the wider one. What is excluded is
  // in `covered` already.
  covered.add(genome, intervals, request.names);
  for (size_t i = 0; i < out.places.starts.size(); ++i) {
    const int64_t start = out.places.starts[i];
    covered.add(out.places.chromosome[i], start, start + request.window);
  }
  covered.finish();
  // Only chromosomes that have windows: another could differ in more than its share of C and G.
  const std::set<int32_t> known(out.places.chromosome.begin(), out.places.chromosome.end());
  NegativeOptions options;
  options.window = request.window;
  options.count = std::llround(request.negatives * static_cast<double>(out.places.size()));
  options.seed = request.seed;
  options.chromosomes.assign(known.begin(), known.end());
  const WindowPlaces drawn = draw_negatives(genome, out.places, covered, options);
  out.num_negatives = drawn.size();
  if (drawn.size() < options.count)
    out.notes.push_back("negatives: " + std::to_string(drawn.size()) + " of " +
                        std::to_string(options.count) + " windows were found");
  append(drawn, out.places);
}

}  // namespace

WindowPlaces draw_negatives(const io::TwoBitFile& genome, const WindowPlaces& like,
                            const CoveredBases& covered, const NegativeOptions& options) {
  return NegativeDrawer(genome, covered, options).run(like);
}

ChosenWindows choose_windows(const io::TwoBitFile& genome, const std::string& path,
                             const io::Intervals& intervals, const WindowRequest& request) {
  // Windows are counted in 64 bits, tries for each of them too.
  if (!(request.negatives >= 0 && request.negatives <= kMostNegatives))
    throw ArgumentError("negatives: expected 0 to 1000000 for each window, got " +
                        (std::isfinite(request.negatives) ? Json(request.negatives).dump()
                                                          : std::to_string(request.negatives)));
  ChosenWindows out;
  out.places = place_windows(genome, path, intervals, request);
  CoveredBases covered(genome.sequences().size());
  for (const auto& each : request.exclude) covered.add(genome, *each, request.names);
  covered.finish();
  say_matches(genome, path, intervals, request.names, out.notes);
  const int64_t dropped = drop_covered(out.places, request.window, covered);
  if (out.places.size() == 0)
    throw ArgumentError("exclude: expected some windows that touch no excluded interval, all " +
                        std::to_string(dropped) + " do");
  if (dropped > 0)
    out.notes.push_back(std::to_string(dropped) + " of " +
                        std::to_string(dropped + out.places.size()) +
                        " windows touch an excluded interval and are left out");
  if (request.negatives > 0) add_negatives(genome, intervals, request, covered, out);
  return out;
}

}  // namespace deepbio::data
