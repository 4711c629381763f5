// Signal tracks: bigWig where it lies, bedGraph as runs in memory, and BED as a track of ones. All
// give the same two operations, so a dataset does not know which it has.
#include "deepbio/io/tables/signal_track.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/bigwig.h"
#include "deepbio/io/tables/delimited.h"
#include "deepbio/io/tables/intervals.h"
#include "deepbio/io/tables/name_numbers.h"

namespace deepbio::io {
namespace {

struct Run {
  uint32_t start = 0, end = 0;
  float value = 1;
};

// Runs in order, without overlaps, by chromosome.
class RunTrack : public SignalTrack {
 public:
  RunTrack(std::string path, std::vector<std::string> names, std::vector<std::vector<Run>> runs)
      : path_(std::move(path)), names_(std::move(names)), runs_(std::move(runs)) {}
  const std::string& path() const override { return path_; }
  const std::vector<std::string>& chromosomes() const override { return names_; }
  void fill(int64_t chromosome, int64_t start, int64_t end, float* out) const override {
    const std::vector<Run>& runs = runs_[static_cast<size_t>(chromosome)];
    // Ordered and without overlaps, so ends rise with starts.
    auto run = std::partition_point(runs.begin(), runs.end(),
                                    [start](const Run& each) { return each.end <= start; });
    for (; run != runs.end() && run->start < end; ++run) {
      const int64_t first = std::max<int64_t>(run->start, start) - start;
      const int64_t last = std::min<int64_t>(run->end, end) - start;
      std::fill(out + first, out + last, run->value);
    }
  }
  void for_each(int64_t chromosome, const Call& call) const override {
    for (const Run& run : runs_[static_cast<size_t>(chromosome)])
      call(run.start, run.end, run.value);
  }

 private:
  std::string path_;
  std::vector<std::string> names_;
  std::vector<std::vector<Run>> runs_;
};

// All values of a track in memory; neighbours of one value are one run.
std::shared_ptr<const SignalTrack> held(const SignalTrack& track) {
  std::vector<std::vector<Run>> runs(track.chromosomes().size());
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<Run>& own = runs[i];
    track.for_each(static_cast<int64_t>(i), [&](int64_t start, int64_t end, float value) {
      // fill() by binary search relies on that.
      if (!own.empty() && start < own.back().end) {
        throw ParseError({track.path()}, "values in order, without overlaps, to hold in memory",
                         "one at " + std::to_string(start), ErrorKind::kStructure);
      }
      // Neighbours of one value are the rule in coverage tracks.
      if (!own.empty() && own.back().end == start && own.back().value == value) {
        own.back().end = static_cast<uint32_t>(end);
      } else {
        own.push_back({static_cast<uint32_t>(start), static_cast<uint32_t>(end), value});
      }
    });
    own.shrink_to_fit();
  }
  return std::make_shared<RunTrack>(track.path(), track.chromosomes(), std::move(runs));
}

using Cells = std::vector<std::string_view>;

bool has_interval(const Cells& cells) {
  double ignored = 0;
  return cells.size() >= 3 && to_number(cells[1], ignored) && to_number(cells[2], ignored);
}

// The first line of data; empty when there is none.
// Lines without an interval (track, browser, a header) do not tell the format.
std::string_view first_line(std::string_view text, const std::string& path, Cells& cells) {
  TextLines lines(text);
  for (std::string_view line; lines.next(line);) {
    const bool is_tabbed = line.find('\t') != std::string_view::npos;
    CellSplitter splitter(is_tabbed ? '\t' : ' ', false, path);
    cells = splitter.split(line, lines.number());
    if (!line.starts_with('#') && has_interval(cells)) return line;
  }
  cells.clear();
  return {};
}

// Lines of four columns to runs.
class BedGraphReader {
 public:
  BedGraphReader(const std::string& path, std::string_view text) : path_(path), lines_(text) {}

  std::shared_ptr<const SignalTrack> run(char separator) {
    CellSplitter splitter(separator, false, path_);
    for (std::string_view line; lines_.next(line);) {
      if (without_blanks(line).empty() || line.starts_with('#') || line.starts_with("track") ||
          line.starts_with("browser"))
        continue;
      add(splitter.split(line, lines_.number()));
    }
    return std::make_shared<RunTrack>(path_, chromosomes_.names(), std::move(runs_));
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& got) const {
    throw ParseError({path_, -1, lines_.number()}, expected, got, ErrorKind::kStructure);
  }

  uint32_t position(std::string_view cell) const {
    uint32_t out = 0;
    const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), out);
    if (code != std::errc() || end != cell.data() + cell.size())
      fail("a position, a whole number from 0", quoted(cell));
    return out;
  }

  void add(const Cells& cells) {
    if (cells.size() != 4)
      fail("4 columns: chromosome, start, end, value", std::to_string(cells.size()));
    Run next{position(cells[1]), position(cells[2])};
    double value = 0;
    if (!to_number(cells[3], value)) fail("a value, a number", quoted(cells[3]));
    next.value = static_cast<float>(value);
    if (next.start >= next.end)
      fail("start < end",
           "start " + std::to_string(next.start) + ", end " + std::to_string(next.end));
    std::vector<Run>& runs = runs_of(cells[0]);
    if (!runs.empty() && next.start < runs.back().end)
      fail("a start of at least " + std::to_string(runs.back().end) +
               ", intervals sorted and without overlaps",
           std::to_string(next.start));
    runs.push_back(next);
  }

  std::vector<Run>& runs_of(std::string_view name) {
    const auto number = static_cast<size_t>(chromosomes_.number_of(name));
    if (number == runs_.size()) runs_.emplace_back();
    return runs_[number];
  }

  const std::string& path_;
  TextLines lines_;
  NameNumbers chromosomes_;
  std::vector<std::vector<Run>> runs_;
};

std::shared_ptr<const SignalTrack> presence(const std::string& path) {
  const Intervals found = Intervals::read(path);
  std::vector<std::vector<Run>> runs(found.names().size());
  for (size_t i = 0; i < found.starts.size(); ++i) {
    if (found.ends[i] > int64_t{UINT32_MAX})
      found.fail(static_cast<int64_t>(i), "an end below 2^32", std::to_string(found.ends[i]));
    runs[static_cast<size_t>(found.chromosome[i])].push_back(
        {static_cast<uint32_t>(found.starts[i]), static_cast<uint32_t>(found.ends[i])});
  }
  // BED intervals may overlap and come in any order.
  for (std::vector<Run>& each : runs) join_stretches(each);
  return std::make_shared<RunTrack>(path, found.names(), std::move(runs));
}

}  // namespace

SignalTrack::~SignalTrack() = default;

std::shared_ptr<const SignalTrack> open_track(const std::string& path, bool in_memory) {
  if (is_bigwig(path)) return in_memory ? held(*open_bigwig(path)) : open_bigwig(path);
  const std::string text = read_text(path);
  Cells cells;
  const std::string_view line = first_line(text, path, cells);
  double ignored = 0;
  // Four columns with a number in the fourth; a BED of four columns has a name there.
  const bool is_graph = cells.size() == 4 && to_number(cells[3], ignored);
  if (!is_graph) return presence(path);
  return BedGraphReader(path, text).run(line.find('\t') == std::string_view::npos ? ' ' : '\t');
}

}  // namespace deepbio::io
