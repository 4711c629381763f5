// The usual batch is one-hot, and goes from two bits a base to floats without letters in between:
// codes 0 to 3 (-1 for N) of one window at a time, then a plane of floats for each base. Windows
// are independent of each other, hence at::parallel_for over them.
#include "deepbio/data/genome.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/window_bases.h"
#include "deepbio/seq/block_tensor.h"
#include "deepbio/seq/letter_codes.h"

namespace deepbio::data {
namespace {

constexpr int64_t kGrainCells = 1 << 21;  // per task: a thread for fewer takes longer than it saves
constexpr size_t kBases = 4;
const io::BaseSymbols kLetters({'A', 'C', 'G', 'T', 'N'});
// 0xff is -1 as int8_t, which no plane is of: an unknown base is 0 in all four.
const io::BaseSymbols kCodes({0, 1, 2, 3, '\xff'});

template <class Value>
Value named(std::string_view what, std::string_view name,
            std::initializer_list<std::pair<const char*, Value>> known) {
  std::string expected;
  for (const auto& [word, value] : known) {
    if (name == word) return value;
    expected += (expected.empty() ? "" : ", ") + std::string(word);
  }
  throw ArgumentError(std::string(what) + ": expected one of " + expected + ", got " +
                      quoted(name));
}

// Transforms of the same seed draw from streams of their own.
CounterRandom window_random(uint64_t seed, uint64_t epoch, int64_t index) {
  static const uint64_t ours = hash_bytes("windows of a genome");
  return {seed ^ ours, epoch, static_cast<uint64_t>(index), Purpose::kAugmentation};
}

// One value of a bin; NaN when nothing in it has a value.
float binned(const float* values, int64_t size, Binning binning) {
  double sum = 0;
  float most = -std::numeric_limits<float>::infinity();
  int64_t count = 0;
  // In double: a bin may sum thousands of floats.
  for (int64_t i = 0; i < size; ++i) {
    if (std::isnan(values[i])) continue;
    sum += values[i];
    most = std::max(most, values[i]);
    ++count;
  }
  if (count == 0) return std::numeric_limits<float>::quiet_NaN();
  if (binning == Binning::kMax) return most;
  return static_cast<float>(binning == Binning::kSum ? sum : sum / static_cast<double>(count));
}

// At least one window for each task, however wide it is.
int64_t grain(int64_t cells_per_row) { return 1 + kGrainCells / (1 + cells_per_row); }

}  // namespace

SoftMask parse_soft_mask(std::string_view name) {
  return named<SoftMask>("soft_mask", name,
                         {{"ignore", SoftMask::kIgnore},
                          {"lower", SoftMask::kLower},
                          {"channel", SoftMask::kChannel}});
}

Binning parse_binning(std::string_view name) {
  return named<Binning>("binning", name,
                        {{"mean", Binning::kMean}, {"sum", Binning::kSum}, {"max", Binning::kMax}});
}

GenomeWindows::GenomeWindows(std::shared_ptr<const io::TwoBitFile> genome, WindowPlaces places,
                             GenomeOptions options,
                             std::vector<std::shared_ptr<const io::SignalTrack>> tracks,
                             ChromosomeNames names)
    : genome_(std::move(genome)),
      places_(std::move(places)),
      options_(std::move(options)),
      tracks_(std::move(tracks)) {
  if (options_.tracks.width == 0) options_.tracks.width = options_.window;
  check();
  for (const auto& track : tracks_) {
    std::vector<int64_t> of_genome(genome_->sequences().size(), -1);
    bool is_known = false;
    const auto& known = track->chromosomes();
    for (size_t i = 0; i < known.size(); ++i) {
      // A track may have more chromosomes than the genome, or fewer: those it lacks have no values.
      const int64_t found = find_chromosome(*genome_, known[i], names);
      if (found < 0) continue;
      of_genome[static_cast<size_t>(found)] = static_cast<int64_t>(i);
      is_known = true;
    }
    if (!is_known) {
      throw ArgumentError(track->path() + ": expected chromosomes of " + genome_->path() +
                          ", got " + (known.empty() ? "none" : quoted(known[0])) +
                          "; `chromosome_names=match` takes 1 for chr1");
    }
    track_chromosomes_.push_back(std::move(of_genome));
  }
}

void GenomeWindows::check() const {
  const auto refuse = [](const std::string& name, const std::string& expected, auto got) {
    throw ArgumentError(name + ": expected " + expected + ", got " + std::to_string(got));
  };
  // After the default for the width: what is checked is what is used.
  const auto& [width, bin, binning, missing] = options_.tracks;
  if (options_.window < 1) refuse("window", "at least 1", options_.window);
  if (options_.jitter < 0) refuse("jitter", "0 or more", options_.jitter);
  if (!(options_.reverse_complement >= 0 && options_.reverse_complement <= 1))
    refuse("reverse_complement", "0 to 1", options_.reverse_complement);
  if (width < 1 || width > options_.window)
    refuse("target_window", "1 to " + std::to_string(options_.window) + ", the window", width);
  if (bin < 1 || width % bin != 0)
    refuse("bin", "a divisor of " + std::to_string(width) + ", the positions of a target", bin);
  if (options_.soft_mask == SoftMask::kChannel && options_.encoding)
    throw ArgumentError("`soft_mask=channel`: expected one-hot letters, got another transform");
  if (options_.soft_mask != SoftMask::kIgnore && options_.haplotypes)
    throw ArgumentError("soft_mask: expected ignore beside haplotypes, whose letters have no case");
}

GenomeWindows::Drawn GenomeWindows::drawn(int64_t index, uint64_t epoch) const {
  if (index < 0 || index >= size()) {
    throw ArgumentError("window index: expected 0 to " + std::to_string(size() - 1) + ", got " +
                        std::to_string(index));
  }
  const auto at = static_cast<size_t>(index / num_copies());
  Drawn out{places_.chromosome[at], places_.starts[at], places_.is_reversed[at] != 0,
            index % num_copies()};
  if (options_.reverse_complement == 0 && options_.jitter == 0) return out;
  CounterRandom random = window_random(options_.seed, epoch, index);
  // The strand is drawn even if it is never turned: the shifts then do not depend on that option.
  if (random.uniform() < options_.reverse_complement) out.is_reversed = !out.is_reversed;
  if (options_.jitter > 0) {
    const auto shift = random.below(2 * static_cast<uint64_t>(options_.jitter) + 1);
    out.start += static_cast<int64_t>(shift) - options_.jitter;
  }
  return out;
}

std::vector<GenomeWindows::Drawn> GenomeWindows::all_drawn(std::span<const int64_t> indices,
                                                           uint64_t epoch) const {
  // Once for each batch: pages of a mapped file that was cut short would end the process.
  genome_->check_unchanged();
  std::vector<Drawn> out;
  out.reserve(indices.size());
  for (const int64_t index : indices) out.push_back(drawn(index, epoch));
  return out;
}

void GenomeWindows::decode(const Drawn& window, const io::BaseSymbols& symbols, char unknown,
                           char* out) const {
  if (options_.haplotypes)
    return options_.haplotypes->decode(on_copy(window), window.is_reversed, symbols, unknown, out);
  decode_bases(*genome_, window.chromosome, window.start, window.start + options_.window,
               window.is_reversed, symbols, unknown, out);
}

// Calls with [begin, end) of each stretch of lower case, in positions of the window.
template <class Call>
void GenomeWindows::for_each_masked(const Drawn& window, Call call) const {
  const int64_t length = genome_->sequences()[static_cast<size_t>(window.chromosome)].length_bp;
  const int64_t end = window.start + options_.window;
  // The window may begin before its chromosome and end after it: only what is inside is asked for.
  const int64_t first = std::clamp(window.start, int64_t{0}, length);
  genome_->for_each_masked(
      window.chromosome, first, std::clamp(end, first, length), [&](int64_t from, int64_t to) {
        // `from` and `to` count from `first`, the call counts from the window's beginning as it is
        // read.
        const int64_t shift = first - window.start;
        const int64_t begin = window.is_reversed ? options_.window - shift - to : shift + from;
        call(begin, begin + (to - from));
      });
}

void GenomeWindows::write_one_hot(const Drawn& window, int8_t* codes, float* out) const {
  decode(window, kCodes, -1, reinterpret_cast<char*>(codes));
  const auto width = static_cast<size_t>(options_.window);
  const bool has_mask = options_.soft_mask == SoftMask::kChannel;
  const size_t columns = kBases + (has_mask ? 1 : 0);
  if (options_.channels_first) {
    for (size_t base = 0; base < kBases; ++base)
      seq::expand_plane(codes, width, static_cast<int8_t>(base), out + base * width);
    // expand_plane and expand_one_hot write the bases alone; the mask's channel is 0 before it is
    // set.
    if (has_mask) std::fill(out + kBases * width, out + columns * width, 0.0F);
  } else {
    seq::expand_one_hot(codes, width, kBases, columns, out);
  }
  if (!has_mask) return;
  for_each_masked(window, [&](int64_t from, int64_t to) {
    for (auto i = static_cast<size_t>(from); i < static_cast<size_t>(to); ++i)
      out[options_.channels_first ? kBases * width + i : i * columns + kBases] = 1;
  });
}

at::Tensor GenomeWindows::one_hot(const std::vector<Drawn>& windows) const {
  const auto count = static_cast<int64_t>(windows.size());
  const int64_t columns = options_.soft_mask == SoftMask::kChannel ? 5 : 4;
  const int64_t width = options_.window;
  at::Tensor out = options_.channels_first ? seq::empty_tensor({count, columns, width})
                                           : seq::empty_tensor({count, width, columns});
  // Uninitialised memory: every float of a window is written below.
  float* const data = out.mutable_data_ptr<float>();
  at::parallel_for(0, count, grain(columns * width), [&](int64_t begin, int64_t end) {
    // For each thread, not for each window.
    std::vector<int8_t> codes(static_cast<size_t>(width));
    for (int64_t i = begin; i < end; ++i)
      write_one_hot(windows[static_cast<size_t>(i)], codes.data(), data + i * columns * width);
  });
  return out;
}

std::string GenomeWindows::letters_of(const Drawn& window) const {
  std::string out(static_cast<size_t>(options_.window), 'N');
  decode(window, kLetters, 'N', out.data());
  if (options_.soft_mask == SoftMask::kLower) {
    for_each_masked(window, [&](int64_t from, int64_t to) {
      for (auto i = static_cast<size_t>(from); i < static_cast<size_t>(to); ++i) out[i] |= 0x20;
    });
  }
  return out;
}

void GenomeWindows::encode_letters(const std::vector<Drawn>& windows,
                                   std::span<const int64_t> indices, uint64_t epoch,
                                   ReadBatch& out) const {
  io::RecordBatch records;
  std::vector<int64_t> rows;
  for (const Drawn& window : windows) {
    const std::string letters = letters_of(window);
    rows.push_back(static_cast<int64_t>(rows.size()));
    records.append(
        io::RecordView{.name = "", .description = "", .sequence = letters, .quality = ""});
  }
  out = encode_reads(records, rows, indices, epoch, *options_.encoding);
}

HaplotypeWindow GenomeWindows::on_copy(const Drawn& window) const {
  return {window.copy, window.chromosome, window.start, options_.window};
}

// Values of the positions of the target, in the direction of the genome.
void GenomeWindows::read_track(const Drawn& window, size_t track, std::span<float> values) const {
  const int64_t length = genome_->sequences()[static_cast<size_t>(window.chromosome)].length_bp;
  const auto width = static_cast<int64_t>(values.size());
  // In the middle; what is odd is left over on the right of the window, whatever its strand.
  const int64_t margin = options_.window - width;
  const int64_t before = window.is_reversed ? margin - margin / 2 : margin / 2;
  int64_t start = window.start + before, end = start + width;
  std::vector<int64_t> positions;
  if (options_.haplotypes) {
    positions.resize(static_cast<size_t>(options_.window));
    options_.haplotypes->positions(on_copy(window), positions);
    positions = {positions.begin() + before, positions.begin() + before + width};
    std::tie(start, end) = std::pair(positions.front(), positions.back() + 1);
  }
  std::vector<float> of_genome(options_.haplotypes ? static_cast<size_t>(end - start) : 0);
  const std::span<float> found = options_.haplotypes ? std::span<float>(of_genome) : values;
  const int64_t first = std::clamp(start, int64_t{0}, length),
                last = std::clamp(end, first, length);
  std::fill(found.begin(), found.end(), options_.tracks.missing);
  const int64_t chromosome = track_chromosomes_[track][static_cast<size_t>(window.chromosome)];
  if (chromosome >= 0 && first < last)
    tracks_[track]->fill(chromosome, first, last, found.data() + (first - start));
  for (size_t i = 0; i < positions.size(); ++i)
    values[i] = found[static_cast<size_t>(positions[i] - start)];
}

void GenomeWindows::write_track(const Drawn& window, size_t track, std::vector<float>& values,
                                float* out) const {
  const TrackOptions& options = options_.tracks;
  read_track(window, track, values);
  const int64_t num_bins = options.width / options.bin;
  for (int64_t i = 0; i < num_bins; ++i) {
    const float* const part = values.data() + i * options.bin;
    // A window of the minus strand is read backwards, and its bins with it.
    out[window.is_reversed ? num_bins - 1 - i : i] =
        options.bin == 1 ? *part : binned(part, options.bin, options.binning);
  }
}

at::Tensor GenomeWindows::targets(const std::vector<Drawn>& windows) const {
  if (tracks_.empty()) return {};
  const auto count = static_cast<int64_t>(windows.size()),
             num_tracks = static_cast<int64_t>(tracks_.size());
  const int64_t num_bins = options_.tracks.width / options_.tracks.bin;
  at::Tensor out = seq::empty_tensor({count, num_tracks, num_bins});
  float* const data = out.mutable_data_ptr<float>();
  const int64_t rows = count * num_tracks;
  at::parallel_for(0, rows, grain(4 * options_.tracks.width), [&](int64_t begin, int64_t end) {
    std::vector<float> values(static_cast<size_t>(options_.tracks.width));
    for (int64_t row = begin; row < end; ++row) {
      write_track(windows[static_cast<size_t>(row / num_tracks)],
                  static_cast<size_t>(row % num_tracks), values, data + row * num_bins);
    }
  });
  return out;
}

WindowBatch GenomeWindows::batch_without_letters(std::span<const int64_t> indices,
                                                 uint64_t epoch) const {
  return without_letters(indices, all_drawn(indices, epoch));
}

WindowBatch GenomeWindows::without_letters(std::span<const int64_t> indices,
                                           const std::vector<Drawn>& windows) const {
  WindowBatch out;
  const auto count = static_cast<int64_t>(windows.size());
  out.reads.index.assign(indices.begin(), indices.end());
  out.chromosomes = at::empty({count}, at::kLong);
  out.starts = at::empty({count}, at::kLong);
  out.reversed = at::empty({count}, at::kBool);
  for (int64_t i = 0; i < count; ++i) {
    const Drawn& window = windows[static_cast<size_t>(i)];
    out.chromosomes.mutable_data_ptr<int64_t>()[i] = window.chromosome;
    out.starts.mutable_data_ptr<int64_t>()[i] = window.start;
    out.reversed.mutable_data_ptr<bool>()[i] = window.is_reversed;
  }
  out.targets = targets(windows);
  return out;
}

WindowBatch GenomeWindows::batch(std::span<const int64_t> indices, uint64_t epoch) const {
  const std::vector<Drawn> windows = all_drawn(indices, epoch);
  WindowBatch out = without_letters(indices, windows);
  if (options_.encoding) {
    encode_letters(windows, indices, epoch, out.reads);
    out.reads.index.assign(indices.begin(), indices.end());
  } else {
    out.reads.sequences = one_hot(windows);
    out.reads.lengths =
        at::full({static_cast<int64_t>(windows.size())}, options_.window, at::kLong);
  }
  return out;
}

std::vector<std::string> GenomeWindows::letters(std::span<const int64_t> indices,
                                                uint64_t epoch) const {
  std::vector<std::string> out;
  for (const Drawn& window : all_drawn(indices, epoch)) out.push_back(letters_of(window));
  return out;
}

at::Tensor GenomeWindows::gc_shares() const {
  at::Tensor out = at::empty({places_.size()}, at::kDouble);
  for (int64_t i = 0; i < places_.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    const int32_t chromosome = places_.chromosome[at];
    const int64_t length = genome_->sequences()[static_cast<size_t>(chromosome)].length_bp;
    const int64_t first = std::clamp(places_.starts[at], int64_t{0}, length),
                  last = std::clamp(places_.starts[at] + options_.window, first, length);
    const int64_t known = last - first - genome_->count_unknown(chromosome, first, last);
    out.mutable_data_ptr<double>()[i] =
        known == 0 ? std::numeric_limits<double>::quiet_NaN()
                   : static_cast<double>(genome_->count_gc(chromosome, first, last)) /
                         static_cast<double>(known);
  }
  return out;
}

}  // namespace deepbio::data
