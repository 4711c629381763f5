// NumPy's .npy (numpy.lib.format): magic, version, and a Python dict as text with the type, the
// order and the shape. The dict is not evaluated: the three values are looked up by their keys, in
// whatever order they come.
#include "deepbio/io/tables/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <functional>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"

static_assert(std::endian::native == std::endian::little,
              "npy files are written as little-endian memory");

namespace deepbio::io {
namespace {

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got,
                       int64_t offset_bytes = -1) {
  throw ParseError({path, -1, -1, offset_bytes}, std::move(expected), std::move(got));
}

// What comes after 'key': in the header, a Python dict literal, up to `end`.
std::string_view header_value(std::string_view header, std::string_view key, std::string_view end,
                              const std::string& path) {
  const std::string wanted = "'" + std::string(key) + "':";
  size_t first = header.find(wanted);
  if (first == std::string_view::npos) fail(path, "an npy header with " + wanted, quoted(header));
  first = header.find_first_not_of(' ', first + wanted.size());
  const size_t last = first == std::string_view::npos ? first : header.find(end, first + 1);
  if (last == std::string_view::npos)
    fail(path, "a value for " + wanted + " in the npy header", quoted(header));
  return header.substr(first, last - first);
}

std::vector<int64_t> parse_shape(std::string_view text, const std::string& path) {
  std::vector<int64_t> shape;
  double num_elements = 1;
  for (size_t k = 0; k < text.size();) {
    if (text[k] < '0' || text[k] > '9') {
      ++k;
      continue;
    }
    int64_t extent = 0;
    const auto [end, code] = std::from_chars(text.data() + k, text.data() + text.size(), extent);
    // In double, which cannot wrap: 10^15 elements are more than any machine holds.
    num_elements *= static_cast<double>(extent);
    if (code != std::errc() || num_elements > 1e15)
      fail(path, "a plausible npy shape", quoted(text));
    shape.push_back(extent);
    k = static_cast<size_t>(end - text.data());
  }
  return shape;
}

struct NpyHeader {
  std::string dtype;  // "f8" and so on, or "b1"
  bool is_big_endian = false;
  bool is_fortran = false;
  std::vector<int64_t> shape;
  size_t data_offset = 0;
};

NpyHeader parse_npy_header(std::string_view bytes, const std::string& path) {
  if (!bytes.starts_with(kNpyMagic) || bytes.size() < 12)
    fail(path, "an npy file (\\x93NUMPY)", quoted(bytes, 6));
  // Version 1 has two bytes of length, versions 2 and 3 have four.
  const bool is_long = bytes[6] >= 2;
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, is_long ? 4 : 2);
  NpyHeader out;
  out.data_offset = (is_long ? 12 : 10) + size_t{length};
  if (out.data_offset > bytes.size())
    fail(path, "an npy header of " + std::to_string(length) + " bytes", "a shorter file");
  const std::string_view header = bytes.substr(is_long ? 12 : 10, length);
  std::string_view dtype = header_value(header, "descr", "'", path);
  if (!dtype.empty()) dtype.remove_prefix(1);
  out.is_big_endian = dtype.starts_with('>');
  // '|' has no byte order (one byte), '=' has this machine's.
  if (!dtype.empty() && std::string_view("<>|=").find(dtype[0]) < 4) dtype.remove_prefix(1);
  out.dtype = dtype;
  out.is_fortran = header_value(header, "fortran_order", ",", path).starts_with("True");
  out.shape = parse_shape(header_value(header, "shape", ")", path), path);
  return out;
}

template <class T>
void convert(std::string_view bytes, bool is_big_endian, std::vector<double>& out) {
  for (size_t k = 0; k < out.size(); ++k) {
    std::array<char, sizeof(T)> raw;
    std::memcpy(raw.data(), bytes.data() + k * sizeof(T), sizeof(T));
    if (is_big_endian) std::reverse(raw.begin(), raw.end());
    out[k] = static_cast<double>(std::bit_cast<T>(raw));
  }
}

using Convert = void (*)(std::string_view bytes, bool is_big_endian, std::vector<double>& out);
struct NpyType {
  std::string_view dtype;
  size_t num_bytes;
  Convert convert;
};
// Integers as double are exact up to 2^53, which distances and counts do not reach.
constexpr NpyType kNpyTypes[] = {
    {"f8", 8, convert<double>},   {"f4", 4, convert<float>},    {"i8", 8, convert<int64_t>},
    {"i4", 4, convert<int32_t>},  {"i2", 2, convert<int16_t>},  {"i1", 1, convert<int8_t>},
    {"u8", 8, convert<uint64_t>}, {"u4", 4, convert<uint32_t>}, {"u2", 2, convert<uint16_t>},
    {"u1", 1, convert<uint8_t>},  {"b1", 1, convert<uint8_t>},
};

// Fortran order counts the first axis fastest.
std::vector<double> to_row_major(const std::vector<double>& values,
                                 const std::vector<int64_t>& shape) {
  std::vector<double> out(values.size());
  std::vector<int64_t> at(shape.size(), 0);
  for (const double value : values) {
    int64_t flat = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis) flat = flat * shape[axis] + at[axis];
    out[flat] = value;
    for (size_t axis = 0; axis < shape.size() && ++at[axis] == shape[axis]; ++axis) at[axis] = 0;
  }
  return out;
}

std::string npy_header(const std::vector<int64_t>& shape, bool as_float32) {
  std::string text = std::string("{'descr': '<f") + (as_float32 ? "4" : "8") +
                     "', 'fortran_order': False, 'shape': (";
  for (const int64_t extent : shape) text += std::to_string(extent) + ", ";
  if (shape.size() > 1) text.resize(text.size() - 2);
  if (shape.size() == 1) text.resize(text.size() - 1);
  text += "), }";
  // Magic, version, length and header fill a multiple of 64 bytes and end with a line end.
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  std::string out(kNpyMagic);
  out += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return out + text;
}

}  // namespace

NpyArray parse_npy(std::string_view bytes, const std::string& path) {
  const NpyHeader header = parse_npy_header(bytes, path);
  const auto type = std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes),
                                 [&](const NpyType& known) { return known.dtype == header.dtype; });
  if (type == std::end(kNpyTypes))
    fail(path, "an npy file of real numbers", "descr " + quoted(header.dtype));
  const auto count = static_cast<size_t>(
      std::accumulate(header.shape.begin(), header.shape.end(), int64_t{1}, std::multiplies<>()));
  const std::string_view data = bytes.substr(header.data_offset);
  if (data.size() != count * type->num_bytes) {
    fail(path, std::to_string(count * type->num_bytes) + " bytes of numbers",
         std::to_string(data.size()), static_cast<int64_t>(header.data_offset));
  }
  NpyArray out{header.shape, std::vector<double>(count)};
  type->convert(data, header.is_big_endian, out.values);
  if (header.is_fortran) out.values = to_row_major(out.values, out.shape);
  return out;
}

NpyArray read_npy(const std::string& path) { return parse_npy(read_all(path), path); }

void write_npy(const std::string& path, const NpyArray& array, Overwrite overwrite,
               bool as_float32) {
  OutputFile file(path, overwrite);
  file.write(npy_header(array.shape, as_float32));
  if (as_float32) {
    const std::vector<float> narrow(array.values.begin(), array.values.end());
    file.write({reinterpret_cast<const char*>(narrow.data()), narrow.size() * sizeof(float)});
  } else {
    file.write(
        {reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(double)});
  }
  file.commit();
}

}  // namespace deepbio::io
