#include "deepbio/data/window_places.h"

#include <algorithm>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::data {
namespace {

// A name without what genome browsers and archives disagree about.
std::string plain_name(std::string_view name) {
  std::string out(name);
  if (out.size() > 3 && (out.starts_with("chr") || out.starts_with("Chr"))) out.erase(0, 3);
  // UCSC writes chrM for what Ensembl writes MT.
  return out == "M" ? "MT" : out;
}

std::vector<std::string> names_of(const io::TwoBitFile& genome) {
  std::vector<std::string> out;
  for (const auto& each : genome.sequences()) out.push_back(each.name);
  return out;
}

// Windows of intervals, row by row.
class Placer {
 public:
  Placer(const io::TwoBitFile& genome, const std::string& path, const io::Intervals& intervals,
         const PlacementOptions& options)
      : genome_(genome),
        path_(path),
        intervals_(intervals),
        options_(options),
        chosen_(genome, path, intervals.names(), options.chromosomes, options.names) {}

  WindowPlaces run() {
    for (int64_t row = 0; row < intervals_.size(); ++row) {
      const int32_t name = intervals_.chromosome[static_cast<size_t>(row)];
      if (!chosen_.is_wanted(name)) continue;
      const int64_t chromosome = chosen_.number_of(name);
      check(row, chromosome, intervals_.names()[static_cast<size_t>(name)]);
      place(row, chromosome);
    }
    if (out_.size() == 0) {
      throw ArgumentError(intervals_.path() + ": no windows: " +
                          (options_.placement == Placement::kTile
                               ? "no interval is as wide as a window"
                               : "no interval is on the chromosomes that were asked for"));
    }
    return std::move(out_);
  }

 private:
  void check(int64_t row, int64_t chromosome, const std::string& name) const {
    if (chromosome < 0)
      intervals_.fail(row, "a chromosome of " + path_,
                      quoted(name) + chromosome_advice(genome_, name));
    const auto& sequence = genome_.sequences()[static_cast<size_t>(chromosome)];
    const int64_t end = intervals_.ends[static_cast<size_t>(row)];
    // A window may reach over an end, an interval not: it would be of another assembly.
    if (end > sequence.length_bp)
      intervals_.fail(row,
                      "an end of at most " + std::to_string(sequence.length_bp) +
                          ", the length of " + quoted(sequence.name),
                      std::to_string(end));
  }

  void place(int64_t row, int64_t chromosome) {
    const auto at = static_cast<size_t>(row);
    const int64_t start = intervals_.starts[at], end = intervals_.ends[at];
    const bool is_minus = intervals_.strands[at] == '-';
    const auto around = [&](int64_t base) { add(row, chromosome, base - options_.window / 2); };
    switch (options_.placement) {
      case Placement::kCenter:
        return around((start + end) / 2);
      case Placement::kSummit: {
        const int64_t summit = intervals_.summits.empty() ? -1 : intervals_.summits[at];
        return around(summit < 0 ? (start + end) / 2 : summit);
      }
      case Placement::kStart:
        // Ends are exclusive: the first base of the minus strand is the one before it.
        return around(is_minus ? end - 1 : start);
      case Placement::kTile: {
        const int64_t stride = options_.stride > 0 ? options_.stride : options_.window;
        // What is left at the end, narrower than a window, has none.
        for (int64_t first = start; first + options_.window <= end; first += stride)
          add(row, chromosome, first);
        return;
      }
      case Placement::kExact:
        if (end - start != options_.window)
          intervals_.fail(row, std::to_string(options_.window) + " bases, the width of a window",
                          std::to_string(end - start));
        return add(row, chromosome, start);
    }
  }

  void add(int64_t row, int64_t chromosome, int64_t start) {
    out_.chromosome.push_back(static_cast<int32_t>(chromosome));
    out_.starts.push_back(start);
    out_.is_reversed.push_back(
        options_.has_strand && intervals_.strands[static_cast<size_t>(row)] == '-' ? 1 : 0);
    out_.interval.push_back(row);
  }

  const io::TwoBitFile& genome_;
  const std::string& path_;
  const io::Intervals& intervals_;
  const PlacementOptions& options_;
  const ChosenChromosomes chosen_;
  WindowPlaces out_;
};

}  // namespace

ChosenChromosomes::ChosenChromosomes(const io::TwoBitFile& genome, const std::string& path,
                                     const std::vector<std::string>& given,
                                     const std::vector<std::string>& wanted, ChromosomeNames names)
    : is_wanted_(genome.sequences().size(), wanted.empty() ? 1 : 0), wants_all_(wanted.empty()) {
  for (const std::string& name : wanted) {
    const int64_t found = find_chromosome(genome, name, names);
    if (found < 0)
      throw ArgumentError("chromosomes: expected names of " + path + ", got " + quoted(name) +
                          chromosome_advice(genome, name));
    is_wanted_[static_cast<size_t>(found)] = 1;
  }
  for (const std::string& name : given) numbers_.push_back(find_chromosome(genome, name, names));
}

bool ChosenChromosomes::is_wanted(int32_t i) const {
  const int64_t number = number_of(i);
  return number < 0 ? wants_all_ : is_wanted_[static_cast<size_t>(number)] != 0;
}

std::string chromosome_advice(const io::TwoBitFile& genome, std::string_view name) {
  const int64_t match = find_chromosome(genome, name, ChromosomeNames::kMatch);
  if (match >= 0) {
    return "; `chromosome_names=match` takes it for " +
           quoted(genome.sequences()[static_cast<size_t>(match)].name);
  }
  const std::string near = nearest_name(name, names_of(genome));
  return near.empty() ? "" : ", the nearest name is " + quoted(near);
}

ChromosomeNames parse_chromosome_names(std::string_view name) {
  if (name == "exact") return ChromosomeNames::kExact;
  if (name == "match") return ChromosomeNames::kMatch;
  throw ArgumentError("chromosome_names: expected exact or match, got " + quoted(name));
}

Placement parse_placement(std::string_view name) {
  constexpr std::pair<std::string_view, Placement> kNames[] = {{"center", Placement::kCenter},
                                                               {"summit", Placement::kSummit},
                                                               {"start", Placement::kStart},
                                                               {"tile", Placement::kTile},
                                                               {"exact", Placement::kExact}};
  for (const auto& [known, placement] : kNames) {
    if (known == name) return placement;
  }
  throw ArgumentError("placement: expected center, summit, start, tile or exact, got " +
                      quoted(name));
}

int64_t find_chromosome(const io::TwoBitFile& genome, std::string_view name,
                        ChromosomeNames names) {
  const int64_t found = genome.find(name);
  if (found >= 0 || names == ChromosomeNames::kExact) return found;
  const std::string plain = plain_name(name);
  std::vector<std::string> bare{plain};
  // plain_name made one name of the two that are used for the mitochondrion.
  if (plain == "MT") bare.push_back("M");
  for (const std::string& each : bare) {
    for (const char* prefix : {"", "chr", "Chr"}) {
      const int64_t matched = genome.find(prefix + each);
      if (matched >= 0) return matched;
    }
  }
  return -1;
}

WindowPlaces place_windows(const io::TwoBitFile& genome, const std::string& path,
                           const io::Intervals& intervals, const PlacementOptions& options) {
  if (options.window < 1)
    throw ArgumentError("window: expected at least 1, got " + std::to_string(options.window));
  if (options.stride < 0)
    throw ArgumentError("stride: expected at least 1, got " + std::to_string(options.stride));
  return Placer(genome, path, intervals, options).run();
}

void CoveredBases::add(int32_t chromosome, int64_t start, int64_t end) {
  stretches_[static_cast<size_t>(chromosome)].push_back({start, end});
}

void CoveredBases::add(const io::TwoBitFile& genome, const io::Intervals& intervals,
                       ChromosomeNames names) {
  std::vector<int64_t> number_of;
  for (const std::string& name : intervals.names())
    number_of.push_back(find_chromosome(genome, name, names));
  // Some on other chromosomes are usual, all of them are a file of another genome.
  if (std::all_of(number_of.begin(), number_of.end(), [](int64_t each) { return each < 0; })) {
    const std::string& first = intervals.names()[0];
    throw ArgumentError(intervals.path() + ": expected chromosomes of the genome, got " +
                        quoted(first) + chromosome_advice(genome, first));
  }
  for (size_t i = 0; i < intervals.starts.size(); ++i) {
    const int64_t found = number_of[static_cast<size_t>(intervals.chromosome[i])];
    if (found >= 0) add(static_cast<int32_t>(found), intervals.starts[i], intervals.ends[i]);
  }
}

void CoveredBases::finish() {
  for (std::vector<Stretch>& each : stretches_) io::join_stretches(each);
}

bool CoveredBases::overlaps(int32_t chromosome, int64_t start, int64_t end) const {
  const std::vector<Stretch>& all = stretches_[static_cast<size_t>(chromosome)];
  // Stretches are sorted and apart, so that only the first that ends after `start` can reach in.
  const auto first = std::partition_point(
      all.begin(), all.end(), [start](const Stretch& each) { return each.end <= start; });
  return first != all.end() && first->start < end;
}

int64_t drop_covered(WindowPlaces& windows, int64_t window, const CoveredBases& covered) {
  WindowPlaces kept;
  for (size_t i = 0; i < windows.starts.size(); ++i) {
    const int64_t start = windows.starts[i];
    if (covered.overlaps(windows.chromosome[i], start, start + window)) continue;
    kept.chromosome.push_back(windows.chromosome[i]);
    kept.starts.push_back(start);
    kept.is_reversed.push_back(windows.is_reversed[i]);
    kept.interval.push_back(windows.interval[i]);
  }
  const int64_t dropped = windows.size() - kept.size();
  windows = std::move(kept);
  return dropped;
}

}  // namespace deepbio::data
