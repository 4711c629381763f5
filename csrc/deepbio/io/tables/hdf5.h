// HDF5 files through the C API: handles that close themselves, errors that become ParseError or
// WriteError.
//
// Files are untrusted: only hard links are followed, data stored outside the file (external links,
// external or virtual storage) and filters that would load a plugin are refused, and a dataset must
// be plausible for the bytes that are stored for it. The library's own error printing is switched
// off for the length of each call and its setting given back; it stays off when the process ends.
// libhdf5's own header stays in hdf5.cpp: identifiers are int64_t here, as they are there (hid_t).
// Threads: one thread at a time, unless libhdf5 is built thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deepbio/io/bytes/mapped_file.h"

namespace deepbio::io {

// An HDF5 identifier and the function that gives it back.
class Hdf5Handle {
 public:
  using Close = int (*)(int64_t);
  Hdf5Handle() = default;
  Hdf5Handle(int64_t id, Close close) : id_(id), close_(close) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Hdf5Handle() { reset(); }
  void reset();
  int64_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  int64_t id_ = -1;
  Close close_ = nullptr;
};

// True when `path` starts with the signature of HDF5.
bool is_hdf5(const std::string& path);

// Reads datasets by path inside the file, such as "sample/matrix/data".
class Hdf5Reader {
 public:
  // throws MissingFileError, ParseError.
  explicit Hdf5Reader(std::string path);
  // A file that lies in memory, which must outlive the reader; `path` names its source in errors.
  Hdf5Reader(std::string path, std::string_view image);
  // throws ParseError when the name is there but is not a hard link.
  bool has(const std::string& name) const;
  std::vector<int64_t> shape(const std::string& name) const;
  std::vector<double> doubles(const std::string& name) const;    // any number type
  std::vector<int64_t> integers(const std::string& name) const;  // any integer type
  std::vector<std::string> strings(
      const std::string& name) const;  // fixed or variable length; [] if empty
  // Of what is in a group, sorted; none when the group is not there.
  std::vector<std::string> names(const std::string& group = "/") const;
  // An integer attribute of the root; empty when it is absent or not made of integers.
  std::vector<int64_t> integer_attribute(const std::string& name) const;
  const std::string& path() const { return path_; }
  [[noreturn]] void fail(const std::string& name, const std::string& expected,
                         const std::string& got) const;

 private:
  struct Dataset;
  Dataset open(const std::string& name) const;
  void check_storage(const std::string& name, const Dataset& dataset) const;
  void check_filters(const std::string& name, const Dataset& dataset) const;
  // Through libhdf5, once its chunks were looked at. memory_type: an identifier; out: one for each
  // element.
  void read_all(const std::string& name, const Dataset& dataset, int64_t memory_type,
                void* out) const;
  // Past libhdf5 (hdf5_stored.h) where that can be done.
  template <class T>
  bool read_past(const Dataset& dataset, std::vector<T>& out) const;
  std::string path_;
  std::unique_ptr<MappedFile> mapped_;  // of a file on disk
  std::string_view bytes_;
  Hdf5Handle file_;
  mutable bool are_heaps_checked_ = false;  // before the first strings that libhdf5 reads
};

// Writes a new file at exactly `path`; callers use a temporary name and rename it.
class Hdf5Writer {
 public:
  // throws WriteError.
  explicit Hdf5Writer(std::string path);
  void group(const std::string& name);
  void doubles(const std::string& name, const std::vector<double>& values,
               const std::vector<int64_t>& shape);
  void floats(const std::string& name, const std::vector<double>& values,
              const std::vector<int64_t>& shape);
  void int32s(const std::string& name, const std::vector<int64_t>& values);
  // UTF-8, variable length; one axis unless a shape is given.
  void strings(const std::string& name, const std::vector<std::string>& values,
               std::vector<int64_t> shape = {});
  void attribute(const std::string& name, const std::string& value);
  void attribute(const std::string& name,
                 const std::vector<int64_t>& values);  // one value: a scalar
  // Closes the file. throws WriteError when the last bytes cannot be written.
  void close();

 private:
  struct Types {
    int64_t file, memory;
  };
  void dataset(const std::string& name, Types types, const void* data,
               const std::vector<int64_t>& shape);
  int64_t checked(int64_t id, const std::string& name) const;
  std::string path_;
  Hdf5Handle file_;
};

}  // namespace deepbio::io
