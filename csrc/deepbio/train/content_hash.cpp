#include "deepbio/train/content_hash.h"

#include <ATen/ATen.h>

#include <string_view>

#include "deepbio/base/content_hash.h"

namespace deepbio::train {
namespace {

void add_to(ContentHash& hash, const at::Tensor& tensor) {
  // Bytes, not numbers: the same values of another type are other data to a model.
  const at::Tensor plain = tensor.contiguous();
  hash.add(std::string_view(static_cast<const char*>(plain.data_ptr()), plain.nbytes()));
}
template <class Part>
void add_to(ContentHash& hash, const Part& part) {
  hash.add(part);
}

template <class... Parts>
std::string hash_of(const Parts&... parts) {
  ContentHash hash;
  (add_to(hash, parts), ...);
  return hash.hex();
}

}  // namespace

Json content_hashes(const data::SampleDataset& dataset) {
  const io::CountTable& table = dataset.table();
  Json out = Json::object();
  // The order of samples and features is part of it: draws and batches go by places in the table.
  out.set("counts",
          hash_of(table.sample_ids, table.feature_ids, table.indptr, table.indices, table.values));
  out.set("sequences", hash_of(dataset.sequences()));
  if (dataset.targets().defined()) out.set("targets", hash_of(dataset.targets()));
  if (!dataset.categories().empty()) {
    ContentHash hash;
    for (const auto& [column, ids] : dataset.categories()) {
      hash.add(std::string_view(column));
      add_to(hash, ids);
    }
    out.set("covariates", hash.hex());
  }
  // Not the file: the same tree written in another way, or with more tips, is the same tree.
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
