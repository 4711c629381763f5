#include "deepbio/io/tables/variant_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {
namespace {

constexpr uint64_t kMostRecordBytes = uint64_t{1} << 30;

}  // namespace

void VariantSource::choose_samples(const std::string& path,
                                   const std::vector<std::string_view>& known,
                                   const ChosenSamples& wanted) {
  if (!wanted) return;
  if (known.empty()) throw ArgumentError(path + ": expected genotypes of samples, got none");
  const std::set<std::string_view> distinct(known.begin(), known.end());
  if (distinct.size() != known.size())
    throw ArgumentError(path + ": expected a name once for each sample, got one twice");
  samples_ = wanted->empty() ? std::vector<std::string>(known.begin(), known.end()) : *wanted;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const auto found = std::find(known.begin(), known.end(), samples_[i]);
    if (found == known.end()) {
      const std::string nearest = nearest_name(samples_[i], known);
      throw ArgumentError("samples: expected names of " + path + ", got " + quoted(samples_[i]) +
                          (nearest.empty() ? "" : "; the nearest is " + quoted(nearest)));
    }
    columns_.push_back({static_cast<size_t>(found - known.begin()), i});
  }
  const auto is_before = [](const Column& a, const Column& b) { return a.number < b.number; };
  std::sort(columns_.begin(), columns_.end(), is_before);
  const auto twice =
      std::adjacent_find(columns_.begin(), columns_.end(),
                         [](const Column& a, const Column& b) { return a.number == b.number; });
  if (twice != columns_.end())
    throw ArgumentError("samples: expected each name once, got " + quoted(known[twice->number]) +
                        " twice");
}

std::unique_ptr<VariantSource> open_variants(const std::string& path,
                                             const ChosenSamples& samples) {
  auto window = std::make_unique<TextWindow>(open_bytes(path), kMostRecordBytes);
  window->more();
  const bool is_binary = window->text().starts_with("BCF\2");
  return is_binary ? open_bcf(std::move(window), samples) : open_vcf(std::move(window), samples);
}

}  // namespace deepbio::io
