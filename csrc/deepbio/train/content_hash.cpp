#include "deepbio/train/content_hash.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <string_view>

#include "deepbio/base/random.h"

namespace deepbio::train {
namespace {

// Parts in order; the length of each counts, so that "ab", "c" is not "a", "bc".
class ContentHash {
 public:
  void add(std::string_view bytes) {
    mix(bytes.size());
    mix(hash_bytes(bytes));
  }
  template <class T>
  void add(const std::vector<T>& numbers) {
    add(std::string_view(reinterpret_cast<const char*>(numbers.data()),
                         numbers.size() * sizeof(T)));
  }
  void add(const std::vector<std::string>& texts) {
    mix(texts.size());
    for (const std::string& text : texts) add(std::string_view(text));
  }
  void add(const at::Tensor& tensor) {
    const at::Tensor plain = tensor.contiguous();
    add(std::string_view(static_cast<const char*>(plain.data_ptr()), plain.nbytes()));
  }
  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(state_));
    return text;
  }

 private:
  void mix(uint64_t word) {
    const uint64_t pair[2] = {state_, word};
    state_ = hash_bytes(std::string_view(reinterpret_cast<const char*>(pair), sizeof pair));
  }
  uint64_t state_ = 0;
};

template <class... Parts>
std::string hash_of(const Parts&... parts) {
  ContentHash hash;
  (hash.add(parts), ...);
  return hash.hex();
}

}  // namespace

Json content_hashes(const data::SampleDataset& dataset) {
  const io::CountTable& table = dataset.table();
  Json out = Json::object();
  out.set("counts",
          hash_of(table.sample_ids, table.feature_ids, table.indptr, table.indices, table.values));
  out.set("sequences", hash_of(dataset.sequences()));
  if (dataset.targets().defined()) out.set("targets", hash_of(dataset.targets()));
  if (!dataset.categories().empty()) {
    ContentHash hash;
    for (const auto& [column, ids] : dataset.categories()) {
      hash.add(std::string_view(column));
      hash.add(ids);
    }
    out.set("covariates", hash.hex());
  }
  if (const community::Phylogeny* tree = dataset.phylogeny()) {
    out.set("tree", hash_of(tree->parent, tree->length, tree->branch_of));
  }
  if (dataset.distances().defined()) out.set("distances", hash_of(dataset.distances()));
  return out;
}

std::string changed_content(const Json& before, const Json& now) {
  std::string out;
  for (const auto& [kind, hash] : now.as_object()) {
    const Json* old = before.find(kind);
    if (old == nullptr || *old == hash) continue;
    out += (out.empty() ? "the " : " and the ") + kind;
  }
  return out;
}

}  // namespace deepbio::train
