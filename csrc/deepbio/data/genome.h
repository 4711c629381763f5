// Windows of a genome as batches: letters of a .2bit to tensors, and tracks beside them.
//
// What is random in a window (its shift, its strand) depends on (seed, epoch, index) only. A plain
// one-hot encoding is written straight from the packed bases; every other encoding goes by way of
// letters. Positions beyond an end of a chromosome are unknown letters (N), and have no value in a
// track. With haplotypes each window comes once for every copy of its chromosome in every sample,
// side by side; a track gives each letter the value of its position in the genome. Threads:
// constant after construction; batch() may be called from many threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/data/haplotypes.h"
#include "deepbio/data/reads.h"
#include "deepbio/data/window_places.h"
#include "deepbio/io/reads/twobit.h"
#include "deepbio/io/tables/signal_track.h"

namespace deepbio::data {

// What becomes of lower case, which marks repeats: nothing, lower-case letters, or a fifth channel
// of one-hot letters that is 1 there.
enum class SoftMask { kIgnore, kLower, kChannel };
SoftMask parse_soft_mask(std::string_view name);  // "ignore", "lower", "channel"

enum class Binning { kMean, kSum, kMax };
Binning parse_binning(std::string_view name);  // "mean", "sum", "max"

struct TrackOptions {
  int64_t width = 0;  // positions, in the middle of a window; 0: all of it
  int64_t bin = 1;    // positions of a value
  Binning binning = Binning::kMean;
  // Stands for positions without a value. NaN leaves them out of a bin; a bin without any is NaN.
  float missing = 0;
};

struct GenomeOptions {
  int64_t window = 0;
  int64_t jitter = 0;             // largest shift, in either direction
  double reverse_complement = 0;  // share of windows whose strand is turned
  uint64_t seed = 0;
  SoftMask soft_mask = SoftMask::kIgnore;
  bool channels_first = true;            // of one-hot
  std::optional<ReadEncoding> encoding;  // none: one-hot, zeros for unknown letters
  TrackOptions tracks;
  std::shared_ptr<const Haplotypes> haplotypes;  // of the same genome; none: its own letters
};

// B windows.
struct WindowBatch {
  // sequences float32 [B, A, L] or [B, L, A] (A = 4, or 5 with the mask as a channel), or what
  // the encoding gives; lengths; index.
  ReadBatch reads;
  at::Tensor targets;      // float32 [B, T, width / bin]; undefined without tracks
  at::Tensor chromosomes;  // int64 [B], numbers in the genome
  at::Tensor starts;       // int64 [B], after the shift
  at::Tensor reversed;     // bool [B]: the sequence is of the minus strand
};

class GenomeWindows {
 public:
  // throws ArgumentError: a size out of range, a bin that does not divide the width, a track that
  // has none of the chromosomes of the windows.
  GenomeWindows(std::shared_ptr<const io::TwoBitFile> genome, WindowPlaces places,
                GenomeOptions options,
                std::vector<std::shared_ptr<const io::SignalTrack>> tracks = {},
                ChromosomeNames names = ChromosomeNames::kExact);
  // Windows times copies; those of a window follow one another.
  int64_t size() const { return places_.size() * num_copies(); }
  int64_t num_copies() const { return options_.haplotypes ? options_.haplotypes->size() : 1; }
  const WindowPlaces& places() const { return places_; }
  const io::TwoBitFile& genome() const { return *genome_; }
  WindowBatch batch(std::span<const int64_t> indices, uint64_t epoch = 0) const;
  // The letters of windows as batch() encodes them, L each.
  std::vector<std::string> letters(std::span<const int64_t> indices, uint64_t epoch = 0) const;
  // Everything of a batch but `sequences` and what else an encoding gives.
  WindowBatch batch_without_letters(std::span<const int64_t> indices, uint64_t epoch = 0) const;
  // Share of C and G among the known bases of the genome at each window where it was placed,
  // float64 [places().size()]; NaN where all are N.
  at::Tensor gc_shares() const;

 private:
  struct Drawn {
    int32_t chromosome;
    int64_t start;
    bool is_reversed;
    int64_t copy;
  };
  void check() const;
  Drawn drawn(int64_t index, uint64_t epoch) const;
  std::vector<Drawn> all_drawn(std::span<const int64_t> indices, uint64_t epoch) const;
  WindowBatch without_letters(std::span<const int64_t> indices,
                              const std::vector<Drawn>& windows) const;
  void decode(const Drawn& window, const io::BaseSymbols& symbols, char unknown, char* out) const;
  template <class Call>
  void for_each_masked(const Drawn& window, Call call) const;
  void write_one_hot(const Drawn& window, int8_t* codes, float* out) const;
  at::Tensor one_hot(const std::vector<Drawn>& windows) const;
  std::string letters_of(const Drawn& window) const;
  void encode_letters(const std::vector<Drawn>& windows, std::span<const int64_t> indices,
                      uint64_t epoch, ReadBatch& out) const;
  HaplotypeWindow on_copy(const Drawn& window) const;
  void read_track(const Drawn& window, size_t track, std::span<float> values) const;
  void write_track(const Drawn& window, size_t track, std::vector<float>& values, float* out) const;
  at::Tensor targets(const std::vector<Drawn>& windows) const;

  std::shared_ptr<const io::TwoBitFile> genome_;
  WindowPlaces places_;
  GenomeOptions options_;
  std::vector<std::shared_ptr<const io::SignalTrack>> tracks_;
  std::vector<std::vector<int64_t>> track_chromosomes_;  // of each track, by number of the genome
};

}  // namespace deepbio::data
