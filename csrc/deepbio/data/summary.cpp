#include "deepbio/data/summary.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "deepbio/seq/filter.h"

namespace deepbio::data {
namespace {

constexpr int64_t kGrain = 4096;               // records per task
constexpr int64_t kRecordsOfAPiece = 1 << 16;  // records of a piece

}  // namespace

ReadNumbers read_numbers(const io::RecordBatch& records, seq::SequenceType type) {
  const seq::Alphabet alphabet(type);
  const int64_t size = records.size();
  ReadNumbers out{at::empty({size}, at::kLong), at::empty({size}), at::empty({size}),
                  at::empty({size}, at::kLong)};
  auto* lengths = out.lengths.data_ptr<int64_t>();
  auto* unknown = out.num_unknown.data_ptr<int64_t>();
  auto* gc = out.gc.data_ptr<float>();
  auto* quality = out.mean_quality.data_ptr<float>();
  at::parallel_for(0, size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const std::string_view letters = records.sequence(i);
      int64_t strong = 0, strange = 0;
      for (const char letter : letters) {
        // S is the IUPAC letter for G or C. Clearing the bit maps no other character to one of the
        // three.
        const char upper = static_cast<char>(letter & ~0x20);
        strong += upper == 'G' || upper == 'C' || upper == 'S';
        strange += alphabet.id(letter) < 0;
      }
      lengths[i] = static_cast<int64_t>(letters.size());
      unknown[i] = strange;
      gc[i] =
          letters.empty()
              ? 0.0F
              : static_cast<float>(static_cast<double>(strong) / static_cast<double>(lengths[i]));
      // NaN is no quality that a filter could mistake for a bad one.
      quality[i] = has_quality(records, i)
                       ? static_cast<float>(seq::mean_quality(records.quality(i)))
                       : std::numeric_limits<float>::quiet_NaN();
    }
  });
  // Offsets count too: of short reads they are a good part of the memory.
  const size_t text = records.names.size() + records.descriptions.size() +
                      records.sequences.size() + records.qualities.size();
  const size_t offsets = records.name_offsets.size() + records.description_offsets.size() +
                         records.sequence_offsets.size() + records.quality_offsets.size();
  out.num_bytes = static_cast<int64_t>(text + offsets * sizeof(int64_t));
  return out;
}

ReadNumbers read_numbers(const ReadDataset& dataset, seq::SequenceType type, bool is_mate) {
  // No indices are needed: `records` are all records, whatever rows were asked for.
  if (!dataset.options().is_indexed) return read_numbers(*dataset.rows({}, is_mate).records, type);
  const int64_t size = dataset.size();
  ReadNumbers out{at::empty({size}, at::kLong), at::empty({size}), at::empty({size}),
                  at::empty({size}, at::kLong)};
  std::vector<int64_t> indices;
  for (int64_t begin = 0; begin < size; begin += kRecordsOfAPiece) {
    // A file that is read by number may be larger than memory: only one piece of it is held at a
    // time.
    const int64_t count = std::min(kRecordsOfAPiece, size - begin);
    indices.resize(static_cast<size_t>(count));
    std::iota(indices.begin(), indices.end(), begin);
    const ReadNumbers piece = read_numbers(*dataset.rows(indices, is_mate).records, type);
    out.lengths.narrow(0, begin, count).copy_(piece.lengths);
    out.gc.narrow(0, begin, count).copy_(piece.gc);
    out.mean_quality.narrow(0, begin, count).copy_(piece.mean_quality);
    out.num_unknown.narrow(0, begin, count).copy_(piece.num_unknown);
  }
  return out;  // num_bytes 0: nothing is held
}

}  // namespace deepbio::data
