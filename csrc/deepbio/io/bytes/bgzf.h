// BGZF (SAM specification, section 4.1) inflated by several threads, blocks in order.
//
// Every thread, the reader included, takes the next few blocks from the file and inflates them into
// a slot of a ring. Only sound blocks of the usual form go this way: where anything else begins
// (another kind of member, padding, damage, the end) GzipSource takes over from that byte, so that
// bytes and errors are exactly those of one thread. The threads start at the first read and are
// joined by the destructor. Memory: about 1.1 MiB per slot, 2 N + 2 slots. Threads: belongs to one
// thread at a time; a process forked after the first read cannot go on reading.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/inflate.h"
#include "deepbio/io/bytes/raw_input.h"

namespace deepbio::io {

inline constexpr std::string_view kNoEndBlock =
    "no BGZF end block: the file may have been cut between two blocks";

// Bytes of the BGZF block that begins with head, as its header says; 0 when this is no header of
// the usual form.
size_t bgzf_block_bytes(std::string_view head);

class BgzfSource : public ByteSource {
 public:
  // input is at the first block. num_threads >= 2, the reading one included.
  BgzfSource(std::unique_ptr<RawInput> input, int num_threads);
  ~BgzfSource() override;
  size_t read(char* out, size_t size) override;
  const std::string& path() const override { return path_; }
  Container container() const override { return Container::kBgzf; }
  int64_t file_offset_bytes() const override {
    return rest_ ? rest_->file_offset_bytes() : input_->offset();
  }
  std::string warning() const override { return rest_ ? rest_->warning() : ""; }

 private:
  struct Slot {
    std::string compressed;  // whole blocks
    int64_t offset = 0;      // where they begin in the file
    std::vector<char> data;
    size_t begin = 0, end = 0;
    bool is_done = false, is_last = false;  // last: GzipSource goes on after it
    // The rest of `compressed`, from the first block that is not as it should.
    std::unique_ptr<ByteSource> damaged;
    std::exception_ptr failure;  // the file could not be read
  };
  bool can_claim() const { return !has_last_ && num_claimed_ < num_used_ + slots_.size(); }
  void take_blocks(Slot& slot);
  void inflate(Slot& slot, BlockInflater& inflater) const;
  void claim_one(std::unique_lock<std::mutex>& lock, BlockInflater& inflater);
  void work();
  Slot& wait_for_slot();

  std::unique_ptr<RawInput> input_;
  std::string path_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t num_claimed_ = 0, num_used_ = 0;  // slot number n lives in n % slots_.size()
  bool has_last_ = false, is_stopping_ = false;
  bool is_end_block_ = false;  // the last block taken has no data
  int num_threads_;
  BlockInflater inflater_;            // of the reading thread
  std::unique_ptr<ByteSource> rest_;  // set when GzipSource has taken over
  std::vector<std::thread> threads_;
};

}  // namespace deepbio::io
