#include "deepbio/data/shard.h"

#include <ATen/ATen.h>

#include <cstring>

#include "deepbio/base/error.h"
#include "deepbio/seq/block_tensor.h"

namespace deepbio::data {
namespace {

at::ScalarType scalar_type(const io::TensorEntry& entry, const std::string& path) {
  if (entry.dtype == "F32") return at::kFloat;
  if (entry.dtype == "I64") return at::kLong;
  if (entry.dtype == "U8") return at::kByte;
  throw ParseError({path}, "tensors of F32, I64 or U8", entry.dtype + " of " + quoted(entry.name),
                   ErrorKind::kStructure);
}

}  // namespace

Shard::Shard(const std::string& path, bool is_kept_open)
    : file_(path, is_kept_open), content_(io::map_safetensors(file_)) {
  // Throws for a type that is not read: when the file is opened, not in the middle of an epoch.
  for (const io::TensorEntry& entry : content_.tensors) scalar_type(entry, path);
}

std::vector<std::pair<std::string, at::Tensor>> Shard::tensors() const {
  std::vector<std::pair<std::string, at::Tensor>> out;
  for (const io::TensorEntry& entry : content_.tensors) {
    const at::ScalarType type = scalar_type(entry, file_.path());
    // from_blob of no bytes may be given a null pointer, which torch does not take.
    out.emplace_back(entry.name, entry.num_bytes == 0 ? at::empty(entry.shape, type)
                                                      : at::from_blob(const_cast<void*>(entry.data),
                                                                      entry.shape, type));
  }
  return out;
}

const io::TensorEntry& Shard::entry(const std::string& name) const {
  for (const io::TensorEntry& entry : content_.tensors) {
    if (entry.name == name) return entry;
  }
  throw ArgumentError("shard: no tensor " + quoted(name) + " in " + file_.path());
}

std::vector<at::Tensor> Shard::rows(const std::vector<std::string>& names, int64_t begin,
                                    int64_t count) const {
  std::vector<const io::TensorEntry*> entries;
  std::vector<io::MappedFile::Stretch> stretches, wide;
  for (const std::string& name : names) {
    const io::TensorEntry& whole = entry(name);
    const int64_t num_rows = whole.shape.empty() ? 0 : whole.shape[0];
    // Written without begin + count, which could overflow.
    if (begin < 0 || count < 1 || begin > num_rows || count > num_rows - begin) {
      throw ArgumentError("shard: expected rows of " + std::to_string(num_rows) + ", got " +
                          std::to_string(count) + " from " + std::to_string(begin));
    }
    const size_t row_bytes = whole.num_bytes / static_cast<size_t>(num_rows);
    const auto first =
        static_cast<size_t>(static_cast<const char*>(whole.data) - file_.bytes().data());
    entries.push_back(&whole);
    stretches.push_back(
        {first + row_bytes * static_cast<size_t>(begin), row_bytes * static_cast<size_t>(count)});
    if (stretches.back().num_bytes > kCopiedBytes) wide.push_back(stretches.back());
  }
  std::vector<std::shared_ptr<char>> mapped;
  if (wide.empty()) {
    file_.check_unchanged();
  } else {
    // All at once: the file is opened and checked once for the tensors of a batch.
    mapped = file_.map_again(wide);
  }
  std::vector<at::Tensor> out;
  auto next = mapped.begin();
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto [offset, size] = stretches[i];
    std::vector<int64_t> shape = entries[i]->shape;
    shape[0] = count;
    const at::ScalarType type = scalar_type(*entries[i], file_.path());
    if (size > kCopiedBytes && next != mapped.end()) {
      char* const data = next->get();
      // The deleter holds the mapping: it goes when the last tensor of these rows does.
      out.push_back(at::from_blob(
          data, shape, [memory = std::move(*next++)](void*) {}, type));
    } else {
      out.push_back(seq::empty_tensor(shape, type));
      if (size > 0) std::memcpy(out.back().data_ptr(), file_.bytes().data() + offset, size);
    }
  }
  return out;
}

void Shard::copy_rows(const std::string& name, const at::Tensor& rows, const at::Tensor& places,
                      at::Tensor out) const {
  const io::TensorEntry& whole = entry(name);
  const at::IntArrayRef shape(whole.shape);
  const bool fits = rows.scalar_type() == at::kLong && places.scalar_type() == at::kLong &&
                    rows.dim() == 1 && places.sizes() == rows.sizes() &&
                    out.scalar_type() == scalar_type(whole, file_.path()) && out.is_contiguous() &&
                    out.dim() > 0 && !shape.empty() && out.sizes().slice(1) == shape.slice(1);
  if (!fits)
    throw ArgumentError("shard: expected rows like those of " + quoted(name) +
                        ", got other tensors");
  // Before its bytes are touched: those of a file cut short would end the process with a signal.
  file_.check_unchanged();
  const at::Tensor from = rows.contiguous(), to = places.contiguous();
  const int64_t* const sources = from.const_data_ptr<int64_t>();
  const int64_t* const targets = to.const_data_ptr<int64_t>();
  const size_t row_bytes = shape[0] == 0 ? 0 : whole.num_bytes / static_cast<size_t>(shape[0]);
  auto* const data = static_cast<char*>(out.data_ptr());
  for (int64_t i = 0; i < rows.numel(); ++i) {
    if (sources[i] < 0 || sources[i] >= shape[0] || targets[i] < 0 || targets[i] >= out.size(0)) {
      throw ArgumentError("shard: expected rows of " + std::to_string(shape[0]) +
                          " and places of " + std::to_string(out.size(0)) + ", got " +
                          std::to_string(sources[i]) + " and " + std::to_string(targets[i]));
    }
    if (row_bytes == 0) continue;
    std::memcpy(data + row_bytes * static_cast<size_t>(targets[i]),
                static_cast<const char*>(whole.data) + row_bytes * static_cast<size_t>(sources[i]),
                row_bytes);
  }
}

}  // namespace deepbio::data
