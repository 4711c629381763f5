// safetensors (huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the
// header, and the tensors without gaps. Names, shapes and byte ranges come from the file, so each
// is checked against the others and against the size of the file before a pointer is made of it.
#include "deepbio/io/tables/safetensors.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"

namespace deepbio::io {
namespace {

// 100 MB is the limit of the format's own library; 8 is the largest element.
constexpr uint64_t kMaxHeaderBytes = 100'000'000, kLengthBytes = 8, kAlignment = 8;
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 40;
constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::array<std::pair<std::string_view, uint64_t>, 10> kDtypes{{{"F64", 8},
                                                                         {"I64", 8},
                                                                         {"F32", 4},
                                                                         {"I32", 4},
                                                                         {"F16", 2},
                                                                         {"BF16", 2},
                                                                         {"I16", 2},
                                                                         {"I8", 1},
                                                                         {"U8", 1},
                                                                         {"BOOL", 1}}};

// 0 for an unknown dtype.
uint64_t size_of(std::string_view dtype) {
  for (const auto& [name, size] : kDtypes) {
    if (name == dtype) return size;
  }
  return 0;
}

// Bytes of a tensor; false when the product does not fit.
bool bytes_of(const std::vector<int64_t>& shape, uint64_t element_bytes, uint64_t& bytes) {
  bytes = element_bytes;
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
      return false;
  }
  return true;
}

class Parser {
 public:
  explicit Parser(const std::string& path) : path_(path) {}

  SafetensorsFile read() {
    auto content = std::make_shared<std::string>(read_all(path_, kMaxFileBytes));
    uint64_t data_begin = parse(*content);
    if (data_begin % kAlignment != 0) {
      content->erase(
          0, data_begin);  // a writer that did not pad its header: the data moves to aligned memory
      data_begin = 0;
    }
    return placed(content->data() + data_begin, content);
  }

  SafetensorsFile map(const MappedFile& file) {
    const uint64_t data_begin = parse(file.bytes());
    if (data_begin % kAlignment != 0) {
      fail("data at a multiple of " + std::to_string(kAlignment) + " bytes",
           "data at " + std::to_string(data_begin));
    }
    return placed(file.bytes().data() + data_begin, nullptr);
  }

 private:
  // Fills file_ and ranges_; returns where the data begins.
  uint64_t parse(std::string_view content) {
    const uint64_t header_bytes = read_header_length(content);
    const Json header = Json::parse(content.substr(kLengthBytes, header_bytes), path_);
    const uint64_t data_begin = kLengthBytes + header_bytes;
    data_bytes_ = content.size() - data_begin;
    for (const auto& [name, value] : header.as_object()) {
      if (name == kMetadataKey) {
        read_metadata(value);
      } else {
        read_tensor(name, value);
      }
    }
    check_layout();
    return data_begin;
  }

  SafetensorsFile placed(const char* data, std::shared_ptr<const std::string> buffer) {
    for (size_t i = 0; i < ranges_.size(); ++i) file_.tensors[i].data = data + ranges_[i].first;
    file_.buffer = std::move(buffer);
    return std::move(file_);
  }

  [[noreturn]] void fail(const std::string& expected, const std::string& got,
                         int64_t offset = -1) const {
    throw ParseError({path_, -1, -1, offset}, expected, got, ErrorKind::kStructure);
  }

  uint64_t read_header_length(std::string_view content) const {
    if (content.size() < kLengthBytes)
      fail("a safetensors file of at least 8 bytes", std::to_string(content.size()), 0);
    uint64_t length = 0;
    for (size_t i = kLengthBytes; i-- > 0;)
      length = (length << 8) | static_cast<unsigned char>(content[i]);
    if (length > kMaxHeaderBytes)
      fail("a safetensors header of at most 100 MB", std::to_string(length) + " bytes", 0);
    if (length > content.size() - kLengthBytes) {
      fail("a safetensors header of " + std::to_string(length) + " bytes",
           std::to_string(content.size() - kLengthBytes) + " bytes left in the file", kLengthBytes);
    }
    // The format asks for '{' as the first byte: blanks before it are refused, which also tells
    // other files.
    if (length == 0 || content[kLengthBytes] != '{') {
      fail("a safetensors header that starts with '{'", quoted(content.substr(kLengthBytes, 1)),
           kLengthBytes);
    }
    return length;
  }

  void read_metadata(const Json& value) {
    if (!value.is_object()) fail("an object under '__metadata__'", value.dump());
    for (const auto& [key, text] : value.as_object()) {
      if (!text.is_string()) fail("text under '__metadata__' key " + quoted(key), text.dump());
      file_.metadata[key] = text.as_string();
    }
  }

  std::vector<int64_t> read_sizes(const std::string& name, const Json& entry,
                                  const char* key) const {
    const Json* list = entry.find(key);
    if (list == nullptr || !list->is_array())
      fail("an array '" + std::string(key) + "' of " + quoted(name), "none");
    std::vector<int64_t> sizes;
    for (const Json& size : list->as_array()) {
      if (!size.is_int() || size.as_int() < 0)
        fail("sizes from 0 in '" + std::string(key) + "'", size.dump());
      sizes.push_back(size.as_int());
    }
    return sizes;
  }

  void read_tensor(const std::string& name, const Json& entry) {
    const Json* dtype = entry.find("dtype");
    if (dtype == nullptr || !dtype->is_string())
      fail("text 'dtype' of tensor " + quoted(name), "none");
    const uint64_t element_bytes = size_of(dtype->as_string());
    if (element_bytes == 0)
      fail("a known dtype of tensor " + quoted(name), quoted(dtype->as_string()));
    TensorEntry tensor{name, dtype->as_string(), read_sizes(name, entry, "shape"), nullptr, 0};
    const std::vector<int64_t> range = read_sizes(name, entry, "data_offsets");
    if (range.size() != 2 || range[0] > range[1] || static_cast<uint64_t>(range[1]) > data_bytes_) {
      fail("'data_offsets' of tensor " + quoted(name) + " inside " + std::to_string(data_bytes_) +
               " bytes of data",
           entry.at("data_offsets").dump());
    }
    tensor.num_bytes = static_cast<uint64_t>(range[1] - range[0]);
    uint64_t needed = 0;
    if (!bytes_of(tensor.shape, element_bytes, needed) || needed != tensor.num_bytes) {
      fail("tensor " + quoted(name) + " of shape " + entry.at("shape").dump() +
               " to fill its byte range",
           std::to_string(tensor.num_bytes) + " bytes of " + tensor.dtype);
    }
    file_.tensors.push_back(std::move(tensor));
    ranges_.emplace_back(static_cast<uint64_t>(range[0]), static_cast<uint64_t>(range[1]));
  }

  // Puts the tensors into buffer order; no byte may belong to two tensors or to none.
  void check_layout() {
    std::vector<size_t> order(ranges_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    // The header may list tensors in any order.
    std::stable_sort(order.begin(), order.end(),
                     [this](size_t a, size_t b) { return ranges_[a] < ranges_[b]; });
    std::vector<TensorEntry> tensors;
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    uint64_t end = 0;
    for (const size_t i : order) {
      // A gap could hold anything, an overlap two meanings: the format allows neither.
      if (ranges_[i].first != end) {
        fail("tensor " + quoted(file_.tensors[i].name) + " to begin at data byte " +
                 std::to_string(end),
             std::to_string(ranges_[i].first));
      }
      end = ranges_[i].second;
      tensors.push_back(std::move(file_.tensors[i]));
      ranges.push_back(ranges_[i]);
    }
    if (end != data_bytes_) {
      fail("tensors that fill " + std::to_string(data_bytes_) + " bytes of data",
           std::to_string(end) + " bytes");
    }
    file_.tensors = std::move(tensors);
    ranges_ = std::move(ranges);
  }

  std::string path_;
  SafetensorsFile file_;
  std::vector<std::pair<uint64_t, uint64_t>> ranges_;
  uint64_t data_bytes_ = 0;
};

void check_entries(const std::vector<TensorEntry>& tensors) {
  std::set<std::string_view> names{kMetadataKey};
  for (const TensorEntry& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw ArgumentError("write_safetensors: expected each name once, got " + quoted(tensor.name) +
                          " again");
    }
    uint64_t bytes = 0;
    if (!bytes_of(tensor.shape, dtype_size(tensor.dtype), bytes) || bytes != tensor.num_bytes) {
      throw ArgumentError("write_safetensors: tensor " + quoted(tensor.name) + " expects " +
                          std::to_string(bytes) + " bytes by shape and dtype, got " +
                          std::to_string(tensor.num_bytes));
    }
  }
}

// Where each tensor is in the buffer: larger elements first.
std::vector<size_t> buffer_order(const std::vector<TensorEntry>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&tensors](size_t a, size_t b) {
    return dtype_size(tensors[a].dtype) > dtype_size(tensors[b].dtype);
  });
  return order;
}

std::string header_of(const std::vector<TensorEntry>& tensors, const std::vector<size_t>& order,
                      const std::map<std::string, std::string>& metadata) {
  Json::Object header;
  if (!metadata.empty()) {
    Json::Object entries;
    for (const auto& [key, value] : metadata) entries.emplace_back(key, Json(value));
    header.emplace_back(std::string(kMetadataKey), Json(std::move(entries)));
  }
  std::vector<int64_t> begin(tensors.size());
  int64_t end = 0;
  for (const size_t i : order) {
    begin[i] = end;
    end += static_cast<int64_t>(tensors[i].num_bytes);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    Json::Object entry;
    entry.emplace_back("dtype", Json(tensors[i].dtype));
    entry.emplace_back("shape", Json::array_of(tensors[i].shape));
    const std::vector<int64_t> range{begin[i],
                                     begin[i] + static_cast<int64_t>(tensors[i].num_bytes)};
    entry.emplace_back("data_offsets", Json::array_of(range));
    // In the order given, wherever the bytes lie: readers list names as the header does.
    header.emplace_back(tensors[i].name, Json(std::move(entry)));
  }
  std::string text = Json(std::move(header)).dump();
  // Blanks up to a multiple of 8, so that the data after it is aligned when the file is mapped.
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (text.size() > kMaxHeaderBytes)
    throw ArgumentError("write_safetensors: the header passes 100 MB");
  return text;
}

}  // namespace

const TensorEntry* SafetensorsFile::find(const std::string& name) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(),
                   [&name](const TensorEntry& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

SafetensorsFile read_safetensors(const std::string& path) { return Parser(path).read(); }

SafetensorsFile map_safetensors(const MappedFile& file) { return Parser(file.path()).map(file); }

void write_safetensors(const std::string& path, const std::vector<TensorEntry>& tensors,
                       const std::map<std::string, std::string>& metadata, Overwrite overwrite) {
  check_entries(tensors);
  const std::vector<size_t> order = buffer_order(tensors);
  const std::string header = header_of(tensors, order, metadata);
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i)
    length[i] = static_cast<char>((header.size() >> (8 * i)) & 0xff);
  OutputFile file(path, overwrite);
  file.write(length);
  file.write(header);
  for (const size_t i : order) {
    if (tensors[i].num_bytes == 0) continue;
    file.write(
        {static_cast<const char*>(tensors[i].data), static_cast<size_t>(tensors[i].num_bytes)});
  }
  file.commit();
}

uint64_t dtype_size(const std::string& dtype) {
  if (const uint64_t size = size_of(dtype)) return size;
  throw ArgumentError("dtype: expected F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL, got " +
                      quoted(dtype));
}

}  // namespace deepbio::io
