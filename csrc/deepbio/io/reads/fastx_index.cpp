// The .dbx index: where each record of a file begins in the decompressed data, and where
// decompression can begin. Offsets are kept as differences in variable-length bytes, about two a
// record, with the full offset of every 64th; so a record is found by one look and at most 63
// additions. The file is mapped, so that all workers of a training share one copy of it.
//
// Layout, little-endian: "DBXINDEX", the fields below, a block (offset, place of its differences)
// for each 64 records, the differences, the access points, their windows, and the CRC-32 of all
// that.
#include "deepbio/io/reads/fastx_index.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/gzip_access.h"
#include "deepbio/io/bytes/read_ahead.h"

namespace deepbio::io {
namespace {

constexpr std::string_view kMagic = "DBXINDEX";
// Another version is not read but built again: an index is a cache.
constexpr uint64_t kVersion = 3;
constexpr uint64_t kRecordsPerBlock = 64;
constexpr size_t kBlockBytes = 16, kPointBytes = 32, kCrcBytes = 4;
constexpr uint64_t kHashedBytes = uint64_t{1} << 16;

// The fixed part after the magic, each field 64-bit.
enum Field {
  kFieldVersion,
  kFieldLength,
  kFieldFileSize,
  kFieldFileTime,
  kFieldFileHash,
  kFieldContainer,
  kFieldFormat,
  kFieldRecords,
  kFieldBases,
  kFieldDataBytes,
  kFieldDeltaBytes,
  kFieldPoints,
  kFieldWindowBytes,
  kFieldLeftOut,
  kNumFields
};
constexpr size_t kHeaderBytes = 8 + 8 * kNumFields;
using Fields = std::array<uint64_t, kNumFields>;

uint64_t u64_at(std::string_view bytes, size_t at) {
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i)
    out |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return out;
}

void append_u64(std::string& out, uint64_t value) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

// Seven bits a byte, the lowest first; the high bit says that more follow.
void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

uint32_t crc_of(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// CRC-32 of the first 64 KiB and of the last: a file replaced by one of the same size and time is
// noticed.
uint64_t hash_ends(const PositionedFile& file) {
  std::string bytes(kHashedBytes, '\0');
  bytes.resize(file.read(0, bytes.data(), kHashedBytes));
  const uint64_t first = crc_of(bytes);
  const uint64_t last_begin = file.size() > kHashedBytes ? file.size() - kHashedBytes : 0;
  bytes.resize(kHashedBytes);
  bytes.resize(file.read(last_begin, bytes.data(), kHashedBytes));
  return first << 32 | crc_of(bytes);
}

// What one pass over the records finds.
struct Scan {
  std::string blocks, deltas;
  int64_t num_records = 0, num_bases = 0, num_left_out = 0;
  Format format = Format::kFastq;
  AccessMap map;
};

void scan_records(FastxReader& reader, Scan& out) {
  uint64_t previous = 0;
  for (RecordView record; reader.next(record); ++out.num_records) {
    const auto offset = static_cast<uint64_t>(record.offset_bytes);
    if (static_cast<uint64_t>(out.num_records) % kRecordsPerBlock == 0) {
      append_u64(out.blocks, offset);
      append_u64(out.blocks, out.deltas.size());
    } else {
      append_varint(out.deltas, offset - previous);
    }
    previous = offset;
    out.num_bases += static_cast<int64_t>(record.sequence.size());
  }
  out.format = reader.format();
  out.num_left_out = reader.report().num_left_out;
}

// A gzip file is inflated once for both the records and the access points.
void scan_gzip(const PositionedFile& file, const IndexOptions& options, const FastxOptions& reading,
               Scan& out) {
  auto source = map_while_reading(file, out.map);
  if (options.num_threads > 1) source = std::make_unique<ReadAheadSource>(std::move(source));
  FastxReader reader(std::move(source), reading);
  scan_records(reader, out);
}

Scan scan_file(const PositionedFile& file, const IndexOptions& options) {
  FastxOptions reading;
  reading.max_record_bytes = options.max_record_bytes;
  reading.allow_empty = options.allow_empty;
  reading.open.num_threads = options.num_threads;
  Scan out;
  const Container container = open_bytes(file.path())->container();
  if (container == Container::kGzip) {
    scan_gzip(file, options, reading, out);
  } else {
    FastxReader reader(file.path(), reading);
    scan_records(reader, out);
    out.map = map_access(file, container);
  }
  file.check_in_place();
  return out;
}

std::string build(const PositionedFile& file, const IndexOptions& options) {
  const Scan scan = scan_file(file, options);
  const AccessMap& map = scan.map;
  std::string points;
  for (const AccessPoint& point : map.points) {
    append_u64(points, point.file_offset);
    append_u64(points, point.data_offset);
    append_u64(points, point.window_begin);
    append_u64(points, uint64_t{point.window_bytes} << 8 | point.num_bits);
  }
  const size_t length = kHeaderBytes + scan.blocks.size() + scan.deltas.size() + points.size() +
                        map.windows.size() + kCrcBytes;
  const Fields fields = {kVersion,
                         length,
                         file.size(),
                         static_cast<uint64_t>(file.mtime_ns()),
                         hash_ends(file),
                         static_cast<uint64_t>(map.container),
                         static_cast<uint64_t>(scan.format),
                         static_cast<uint64_t>(scan.num_records),
                         static_cast<uint64_t>(scan.num_bases),
                         map.data_bytes,
                         scan.deltas.size(),
                         map.points.size(),
                         map.windows.size(),
                         static_cast<uint64_t>(scan.num_left_out)};
  std::string out(kMagic);
  out.reserve(length);
  for (const uint64_t field : fields) append_u64(out, field);
  out.append(scan.blocks).append(scan.deltas).append(points).append(map.windows);
  const uint32_t crc = crc_of(out);
  for (int i = 0; i < 4; ++i) out += static_cast<char>(crc >> (8 * i) & 0xff);
  return out;
}

struct Mapping {
  std::shared_ptr<const void> owner;
  std::string_view bytes;
};

// Nothing when there is no such file or it is empty.
// Not a MappedFile: an index that is not there is no error, and is replaced by renaming, which
// leaves the mapped one as it is.
std::optional<Mapping> map_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct stat info {};
  const bool is_file = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
  const auto size = static_cast<size_t>(info.st_size);
  void* const data = is_file ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
  ::close(file);
  if (data == MAP_FAILED) return std::nullopt;
  return Mapping{std::shared_ptr<const void>(
                     data, [size](const void* p) { ::munmap(const_cast<void*>(p), size); }),
                 {static_cast<const char*>(data), size}};
}

bool fits(const Fields& fields, uint64_t num_blocks, size_t size) {
  // Each bound first, so that the sum cannot wrap round.
  for (const uint64_t part :
       {num_blocks, fields[kFieldDeltaBytes], fields[kFieldPoints], fields[kFieldWindowBytes]}) {
    if (part > size) return false;
  }
  return kHeaderBytes + num_blocks * kBlockBytes + fields[kFieldDeltaBytes] +
             fields[kFieldPoints] * kPointBytes + fields[kFieldWindowBytes] + kCrcBytes ==
         size;
}

}  // namespace

std::string FastxIndex::index_path(const std::string& path, const std::string& cache_dir) {
  if (cache_dir.empty()) return path + ".dbx";
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  // Files of one name in two folders must not share an index.
  std::array<char, 9> hash{};
  std::snprintf(hash.data(), hash.size(), "%08x", crc_of(whole.string()));
  return (std::filesystem::path(cache_dir) /
          (whole.filename().string() + "." + hash.data() + ".dbx"))
      .string();
}

FastxIndex FastxIndex::open_or_build(const std::string& path, const IndexOptions& options) {
  if (path == "-")
    throw ArgumentError(
        "FastxIndex: expected a file, got standard input, which cannot be read twice");
  return open_or_build(PositionedFile(path), options);
}

FastxIndex FastxIndex::open_or_build(const PositionedFile& file, const IndexOptions& options) {
  // An index that is there is used if it belongs to the file; then there is nothing to build. Two
  // processes that build at once write the same bytes under temporary names.
  const std::string where = index_path(file.path(), options.cache_dir);
  FastxIndex index;
  if (const auto found = map_file(where); found && index.load(found->owner, found->bytes, file))
    return index;
  auto bytes = std::make_shared<const std::string>(build(file, options));
  try {
    write_file(where, *bytes);
    // The written file is shared between processes by the page cache, memory is not.
    if (const auto found = map_file(where); found && index.load(found->owner, found->bytes, file)) {
      index.was_built_ = true;
      return index;
    }
  } catch (const WriteError&) {  // the folder cannot be written: the index is as good in memory
  }
  if (!index.load(bytes, *bytes, file))
    throw Error(file.path() + ": the index just built does not hold");
  index.was_built_ = true;
  return index;
}

bool FastxIndex::load(std::shared_ptr<const void> owner, std::string_view bytes,
                      const PositionedFile& file) {
  if (bytes.size() < kHeaderBytes + kCrcBytes || bytes.substr(0, 8) != kMagic) return false;
  Fields fields{};
  for (size_t i = 0; i < kNumFields; ++i) fields[i] = u64_at(bytes, 8 + 8 * i);
  const std::string_view checked = bytes.substr(0, bytes.size() - kCrcBytes);
  const uint64_t crc = u64_at(bytes, bytes.size() - 8) >> 32;
  if (fields[kFieldVersion] != kVersion || fields[kFieldLength] != bytes.size() ||
      crc != crc_of(checked))
    return false;
  // Size and time tell most changes; the hash of both ends tells a file that was put in its place
  // by a tool that keeps times.
  if (fields[kFieldFileSize] != file.size() ||
      fields[kFieldFileTime] != static_cast<uint64_t>(file.mtime_ns()) ||
      fields[kFieldFileHash] != hash_ends(file)) {
    return false;
  }
  const uint64_t num_blocks = fields[kFieldRecords] / kRecordsPerBlock +
                              (fields[kFieldRecords] % kRecordsPerBlock != 0 ? 1 : 0);
  // Deflate makes at most 1032 bytes of one, so that no more than that is ever allocated for what
  // the index says.
  const bool is_plain = fields[kFieldContainer] == static_cast<uint64_t>(Container::kPlain);
  if (is_plain ? fields[kFieldDataBytes] != file.size()
               : fields[kFieldDataBytes] / 1032 > file.size())
    return false;
  if (!fits(fields, num_blocks, bytes.size()) || fields[kFieldContainer] > 2 ||
      fields[kFieldFormat] > static_cast<uint64_t>(Format::kBam))
    return false;
  path_ = file.path();
  owner_ = std::move(owner);
  bytes_ = bytes;
  num_records_ = static_cast<int64_t>(fields[kFieldRecords]);
  num_bases_ = static_cast<int64_t>(fields[kFieldBases]);
  num_left_out_ = static_cast<int64_t>(fields[kFieldLeftOut]);
  format_ = static_cast<Format>(fields[kFieldFormat]);
  access_ = {};
  access_.container = static_cast<Container>(fields[kFieldContainer]);
  access_.data_bytes = fields[kFieldDataBytes];
  const size_t deltas = kHeaderBytes + num_blocks * kBlockBytes,
               points = deltas + fields[kFieldDeltaBytes];
  const size_t windows = points + fields[kFieldPoints] * kPointBytes;
  access_.windows = bytes.substr(windows, fields[kFieldWindowBytes]);
  return load_sections(bytes.substr(kHeaderBytes, num_blocks * kBlockBytes),
                       bytes.substr(deltas, fields[kFieldDeltaBytes]),
                       bytes.substr(points, fields[kFieldPoints] * kPointBytes));
}

// False when a window lies outside of the index.
bool FastxIndex::load_sections(std::string_view blocks, std::string_view deltas,
                               std::string_view points) {
  blocks_ = blocks;
  deltas_ = deltas;
  access_.points.reserve(points.size() / kPointBytes);
  for (size_t at = 0; at < points.size(); at += kPointBytes) {
    const uint64_t window = u64_at(points, at + 24);
    const AccessPoint point = {u64_at(points, at), u64_at(points, at + 8), u64_at(points, at + 16),
                               static_cast<uint32_t>(window >> 8),
                               static_cast<uint8_t>(window & 7)};
    if (point.window_begin > access_.windows.size()) return false;
    if (point.window_bytes > access_.windows.size() - point.window_begin) return false;
    access_.points.push_back(point);
  }
  return true;
}

FastxIndex::Span FastxIndex::Walker::at(int64_t i) {
  const FastxIndex& index = index_;
  if (i < 0 || i >= index.num_records_) {
    throw ArgumentError("expected a record number in [0, " + std::to_string(index.num_records_) +
                        "), got " + std::to_string(i));
  }
  constexpr auto kStep = static_cast<int64_t>(kRecordsPerBlock);
  const auto block = static_cast<size_t>(i / kStep);
  // Going on in the same block needs no new start: ascending records add up their differences once.
  if (number_ < 0 || i < number_ || i / kStep != number_ / kStep) {
    number_ = i - i % kStep;
    begin_ = u64_at(index.blocks_, block * kBlockBytes);
    delta_at_ = u64_at(index.blocks_, block * kBlockBytes + 8);
  }
  const std::string_view deltas = index.deltas_;
  const auto take = [deltas](size_t& at) {
    uint64_t delta = 0;
    // Bounded twice: by the section and by the bits of a number, whatever the bytes say.
    for (int shift = 0; at < deltas.size() && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(deltas[at++]);
      delta |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    return delta;
  };
  for (; number_ < i; ++number_) begin_ += take(delta_at_);
  Span out{begin_, index.access_.data_bytes};
  if (i + 1 < index.num_records_) {
    size_t at = delta_at_;
    out.end =
        (i + 1) % kStep == 0 ? u64_at(index.blocks_, (block + 1) * kBlockBytes) : begin_ + take(at);
  }
  if (out.begin <= out.end && out.end <= index.access_.data_bytes) return out;
  throw ParseError({index.path_, i}, "an index of this file",
                   "one that points outside of it; remove its .dbx file", ErrorKind::kStructure);
}

}  // namespace deepbio::io
