// Where the windows of a genome dataset lie: intervals checked against a genome, turned to windows
// of one width, without those that touch an excluded interval; and windows like them elsewhere.
//
// A window may reach over an end of its chromosome. Names of chromosomes must be the genome's; with
// ChromosomeNames::kMatch `1` and `chr1`, `MT` and `chrM` are the same. Threads: free functions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/reads/twobit.h"
#include "deepbio/io/tables/intervals.h"

namespace deepbio::data {

enum class ChromosomeNames { kExact, kMatch };
ChromosomeNames parse_chromosome_names(std::string_view name);  // "exact", "match"

// kCenter  around the middle of an interval, floor((start + end) / 2)
// kSummit  around the peak of narrowPeak, the middle where a row has none
// kStart   around the first base in the direction of the strand (a transcription start)
// kTile    side by side from its start, `stride` apart, as many as lie inside of it
// kExact   the interval itself, which must have the width of a window
enum class Placement { kCenter, kSummit, kStart, kTile, kExact };
Placement parse_placement(std::string_view name);  // "center" "summit" "start" "tile" "exact"

struct PlacementOptions {
  int64_t window = 0;
  Placement placement = Placement::kCenter;
  int64_t stride = 0;      // of kTile; 0: the width of a window
  bool has_strand = true;  // windows of intervals on the minus strand are reversed
  ChromosomeNames names = ChromosomeNames::kExact;
  std::vector<std::string> chromosomes;  // intervals on others are left out; empty: all stay
};

// W windows.
struct WindowPlaces {
  std::vector<int32_t> chromosome;  // number of the sequence in the genome
  std::vector<int64_t> starts;      // may be below 0
  std::vector<char> is_reversed;
  std::vector<int64_t> interval;  // the row it was made of; -1 of a window that was drawn
  int64_t size() const { return static_cast<int64_t>(starts.size()); }
};

// What a message adds about a name that is none of the genome's: the one it is taken for with
// `chromosome_names=match`, or the nearest.
std::string chromosome_advice(const io::TwoBitFile& genome, std::string_view name);

// The number of a sequence of the genome; -1 when there is none of this name.
int64_t find_chromosome(const io::TwoBitFile& genome, std::string_view name, ChromosomeNames names);

// The chromosomes that a file names, in a genome, and which of them are wanted.
class ChosenChromosomes {
 public:
  // given: the names in the file; wanted: of the genome, empty: all. path names the genome.
  //   throws ArgumentError: a wanted one that the genome does not have
  ChosenChromosomes(const io::TwoBitFile& genome, const std::string& path,
                    const std::vector<std::string>& given, const std::vector<std::string>& wanted,
                    ChromosomeNames names);
  // The number of given[i] in the genome; -1 when there is none of this name.
  int64_t number_of(int32_t i) const { return numbers_[static_cast<size_t>(i)]; }
  // Whether given[i] is wanted; one that the genome does not have is, where all are.
  bool is_wanted(int32_t i) const;

 private:
  std::vector<int64_t> numbers_;  // of the given names
  std::vector<char> is_wanted_;   // of the genome's sequences
  bool wants_all_;
};

// The windows of intervals. path names the genome in messages.
//   throws ParseError with the line: an unknown chromosome (with the nearest name), an interval
//   over the end of its chromosome, one of another width (kExact); ArgumentError: no windows at
//   all, a chromosome to keep that the genome does not have
WindowPlaces place_windows(const io::TwoBitFile& genome, const std::string& path,
                           const io::Intervals& intervals, const PlacementOptions& options);

// Bases of a genome, as stretches without overlaps.
class CoveredBases {
 public:
  explicit CoveredBases(size_t num_chromosomes) : stretches_(num_chromosomes) {}
  void add(int32_t chromosome, int64_t start, int64_t end);
  // Adds all intervals on chromosomes of the genome. throws ArgumentError when none is on one.
  void add(const io::TwoBitFile& genome, const io::Intervals& intervals, ChromosomeNames names);
  void finish();  // after the last add, before the first overlaps
  bool overlaps(int32_t chromosome, int64_t start, int64_t end) const;

 private:
  struct Stretch {
    int64_t start, end;
  };
  std::vector<std::vector<Stretch>> stretches_;
};

// Leaves out windows that touch a covered base; returns how many.
int64_t drop_covered(WindowPlaces& windows, int64_t window, const CoveredBases& covered);

struct NegativeOptions {
  int64_t window = 0;
  int64_t count = 0;          // windows to draw
  double gc_step = 0.02;      // width of a bin of the share of C and G
  double most_unknown = 0.1;  // share of N
  uint64_t seed = 0;
  std::vector<int32_t> chromosomes;  // to draw from
};

// Windows that touch no covered base and lie inside of their chromosomes, whose shares of C and G
// (among known bases) are spread over bins as those of `like`; where a bin is exhausted the nearest
// one with windows left gives them. Strands are drawn, too. returns fewer than `count` windows
// where there are no more.
WindowPlaces draw_negatives(const io::TwoBitFile& genome, const WindowPlaces& like,
                            const CoveredBases& covered, const NegativeOptions& options);

struct WindowRequest : PlacementOptions {
  std::vector<std::shared_ptr<const io::Intervals>>
      exclude;           // windows that touch them are left out
  double negatives = 0;  // windows to draw for each that was placed
  uint64_t seed = 0;     // of the negatives
};

struct ChosenWindows {
  WindowPlaces places;  // those of intervals, then the negatives
  int64_t num_negatives = 0;
  std::vector<std::string> notes;  // what was left out or matched, a line each
};

// Windows of intervals, without the excluded ones, and negatives on the same chromosomes that touch
// neither an interval nor what is excluded. throws as place_windows, and ArgumentError when nothing
// is left.
ChosenWindows choose_windows(const io::TwoBitFile& genome, const std::string& path,
                             const io::Intervals& intervals, const WindowRequest& request);

}  // namespace deepbio::data
