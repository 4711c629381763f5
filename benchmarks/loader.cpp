// The minimal loop that benchmarks/loader.py measures the loaders against: reads a FASTQ file of
// four lines a record and equal lengths, encodes batches of 256 into a ring of four buffers, checks
// nothing. Prints the batches and the seconds.
//
//   loop FILE uint8|int64|onehot WIDTH
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr size_t kBatch = 256, kRing = 4, kBlock = 1 << 18;

template <class Cell, size_t Cells>
struct Table {
  std::array<std::array<Cell, Cells>, 256> rows{};
};

// Bases of the file as batches; returns how many batches there were.
template <class Cell, size_t Cells>
size_t run(int file, size_t width, const Table<Cell, Cells>& table) {
  std::vector<std::vector<Cell>> ring(kRing, std::vector<Cell>(kBatch * width * Cells));
  std::vector<char> buffer(2 * kBlock);
  size_t kept = 0, line = 0, row = 0, batches = 0;
  Cell* out = ring[0].data();
  for (ssize_t got = 0; (got = ::read(file, buffer.data() + kept, kBlock)) > 0;) {
    const char *at = buffer.data(), *end = at + kept + got;
    while (const auto* stop =
               static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)))) {
      if (line++ % 4 == 1) {
        for (; at < stop; ++at, out += Cells) {
          std::memcpy(out, table.rows[static_cast<unsigned char>(*at)].data(),
                      Cells * sizeof(Cell));
        }
        if (++row == kBatch) {
          row = 0;
          out = ring[++batches % kRing].data();
        }
      }
      at = stop + 1;
    }
    kept = static_cast<size_t>(end - at);
    std::memmove(buffer.data(), at, kept);
  }
  return batches + (row > 0);
}

template <class Cell>
Table<Cell, 1> numbers() {
  Table<Cell, 1> table;
  for (size_t i = 0; i < 4; ++i)
    table.rows[static_cast<unsigned char>("ACGT"[i])][0] = static_cast<Cell>(i);
  return table;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string_view form = argv[2];
  const size_t width = std::strtoul(argv[3], nullptr, 10);
  const int file = ::open(argv[1], O_RDONLY);
  if (file < 0) return 1;
  Table<float, 4> one_hot;
  for (size_t i = 0; i < 4; ++i) one_hot.rows[static_cast<unsigned char>("ACGT"[i])][i] = 1;
  const auto start = std::chrono::steady_clock::now();
  size_t batches = 0;
  if (form == "uint8") batches = run(file, width, numbers<uint8_t>());
  if (form == "int64") batches = run(file, width, numbers<int64_t>());
  if (form == "onehot") batches = run(file, width, one_hot);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%zu %.9f\n", batches, taken.count());
  return 0;
}
