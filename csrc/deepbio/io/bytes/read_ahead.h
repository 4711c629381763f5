// A source whose bytes are made by a second thread, a few buffers ahead of the reader: inflating
// overlaps with parsing.
//
// The same bytes and the same error at the same place as the source alone. The thread starts at the
// first read and is joined by the destructor. Memory: kNumBuffers buffers of kBufferBytes. Threads:
// belongs to one thread at a time; a process forked after the first read cannot go on reading.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {

class ReadAheadSource : public ByteSource {
 public:
  explicit ReadAheadSource(std::unique_ptr<ByteSource> source);
  ~ReadAheadSource() override;
  size_t read(char* out, size_t size) override;
  const std::string& path() const override { return source_->path(); }
  Container container() const override { return source_->container(); }
  int64_t file_offset_bytes() const override { return source_->file_offset_bytes(); }
  std::string warning() const override { return is_end_ ? source_->warning() : ""; }

 private:
  static constexpr size_t kNumBuffers = 4, kBufferBytes = size_t{1} << 18;
  struct Buffer {
    std::vector<char> data;
    size_t begin = 0, end = 0;
    std::exception_ptr failure;  // after the data
  };
  void work();
  void fill(Buffer& buffer);

  std::unique_ptr<ByteSource> source_;
  std::vector<Buffer> buffers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t num_filled_ = 0,
         num_used_ = 0;  // buffers so far; buffer number n lives in n % kNumBuffers
  bool is_stopping_ = false;
  std::exception_ptr failure_;  // told, and told again by later reads
  bool is_end_ = false;
  std::thread thread_;
};

}  // namespace deepbio::io
