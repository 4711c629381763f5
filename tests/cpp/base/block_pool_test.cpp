#include "deepbio/base/block_pool.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "catch.h"
#include <sys/wait.h>
#include <unistd.h>

using namespace deepbio;

namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Each test begins with nothing that waits.
struct EmptyPool {
  EmptyPool() { release_blocks(); }
  ~EmptyPool() { release_blocks(); }
};

}  // namespace

CATCH_TEST_CASE("A block that was given back is handed out for the next of its size", "[pool]") {
  const EmptyPool empty;
  const BlockCounts before = block_counts();
  void* const first = take_block(kMiB);
  std::memset(first, 1, kMiB);
  give_block(first);
  CATCH_CHECK(block_counts().num_waiting == 1);

  void* const second = take_block(kMiB + kMiB / 8);  // of the same class
  CATCH_CHECK(second == first);
  void* const third = take_block(kMiB);
  CATCH_CHECK(third != first);
  void* const larger = take_block(2 * kMiB);
  const BlockCounts after = block_counts();
  CATCH_CHECK(after.num_fresh - before.num_fresh == 3);
  CATCH_CHECK(after.num_reused - before.num_reused == 1);
  CATCH_CHECK(after.num_waiting == 0);
  for (void* const block : {second, third, larger}) give_block(block);
}

CATCH_TEST_CASE("Blocks have room for what was asked, on a multiple of 64", "[pool]") {
  const EmptyPool empty;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, kSmallestBlock - 65, kSmallestBlock,
                            kSmallestBlock + 1, 3 * kMiB + 1, 5 * kMiB}) {
    for (int turn = 0; turn < 2; ++turn) {
      auto* const block = static_cast<char*>(take_block(size));
      CATCH_CHECK(reinterpret_cast<uintptr_t>(block) % 64 == 0);
      std::memset(block, turn, size);  // the address sanitizer looks at its end
      give_block(block);
    }
  }
  CATCH_CHECK_THROWS_AS(take_block(SIZE_MAX - 8), std::bad_alloc);
  give_block(nullptr);
}

CATCH_TEST_CASE("What waits is bounded by bytes, and the oldest goes first", "[pool]") {
  const EmptyPool empty;
  void* const old = take_block(4 * kMiB);
  give_block(old);
  std::vector<void*> many;
  for (size_t i = 0; i < 10; ++i) many.push_back(take_block(30 * kMiB));
  for (void* const block : many) {
    give_block(block);
    CATCH_CHECK(block_counts().waiting_bytes <= kMostWaitingBytes);
  }
  const uint64_t fresh = block_counts().num_fresh;
  give_block(take_block(4 * kMiB));  // the old one is gone
  CATCH_CHECK(block_counts().num_fresh == fresh + 1);
  void* const huge = take_block(kMostWaitingBytes + 1);
  const size_t waiting = block_counts().waiting_bytes;
  give_block(huge);  // never kept
  CATCH_CHECK(block_counts().waiting_bytes == waiting);
}

CATCH_TEST_CASE("What waits is bounded by number, and goes when it is asked to", "[pool]") {
  const EmptyPool empty;
  std::vector<void*> many;
  for (size_t i = 0; i < kMostWaitingBlocks + 10; ++i) many.push_back(take_block(kSmallestBlock));
  for (void* const block : many) give_block(block);
  CATCH_CHECK(block_counts().num_waiting == kMostWaitingBlocks);
  CATCH_CHECK(release_blocks() >= kMostWaitingBlocks * kSmallestBlock);
  CATCH_CHECK(block_counts().num_waiting == 0);
  CATCH_CHECK(block_counts().waiting_bytes == 0);
}

CATCH_TEST_CASE("Containers of the pool grow as others do", "[pool]") {
  const EmptyPool empty;
  BlockString text;
  std::string plain;
  BlockVector<int64_t> numbers;
  for (int i = 0; i < 40000; ++i) {
    text += static_cast<char>('a' + i % 26);
    plain += static_cast<char>('a' + i % 26);
    numbers.push_back(i);
  }
  CATCH_CHECK(std::string_view(text) == plain);
  CATCH_CHECK(numbers[39999] == 39999);
}

CATCH_TEST_CASE("Threads take and give at once without sharing a block", "[pool][threads]") {
  const EmptyPool empty;
  std::vector<int64_t> num_wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t number = 0; number < num_wrong.size(); ++number) {
    threads.emplace_back([&num_wrong, number] {
      for (int64_t turn = 0; turn < 2000; ++turn) {
        const size_t size = kSmallestBlock * (1 + static_cast<size_t>(turn) % 3);
        auto* const block = static_cast<int64_t*>(take_block(size));
        const int64_t mark = turn * 8 + static_cast<int64_t>(number);
        block[0] = block[size / sizeof(int64_t) - 1] = mark;
        std::this_thread::yield();
        num_wrong[number] += block[0] != mark || block[size / sizeof(int64_t) - 1] != mark;
        give_block(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CATCH_CHECK(num_wrong == std::vector<int64_t>(4, 0));
}

CATCH_TEST_CASE("A child forked while other threads use the pool can use it too", "[pool]") {
  const EmptyPool empty;
  std::atomic<bool> is_over = false;
  std::thread busy([&] {
    while (!is_over) give_block(take_block(kSmallestBlock));
  });
  int num_good = 0;
  for (int turn = 0; turn < 50; ++turn) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);  // a lock that stays locked ends the child
      void* const block = take_block(kSmallestBlock);
      give_block(block);
      release_blocks();
      ::_exit(block == nullptr ? 1 : 0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    num_good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  is_over = true;
  busy.join();
  CATCH_CHECK(num_good == 50);
}
