#include "deepbio/data/genome.h"

#include <torch/types.h>

#include <cmath>
#include <limits>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/genome_file.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

const std::string kFirst = "ACGTNNacgtACGGTTAACCgnTACGATTACAGGC", kSecond = "GATTACA";

std::shared_ptr<const io::TwoBitFile> two_chromosomes() {
  test::TemporaryFolder folder;
  test::write_text(folder / "g.fa", ">a\n" + kFirst + "\n>b\n" + kSecond + "\n");
  return std::make_shared<const io::TwoBitFile>("g.fa", io::pack_fasta(folder / "g.fa"));
}

// Windows at every start that meets the sequences, on both strands.
WindowPlaces everywhere(int64_t window) {
  WindowPlaces out;
  for (int32_t chromosome = 0; chromosome < 2; ++chromosome) {
    const auto length = static_cast<int64_t>((chromosome == 0 ? kFirst : kSecond).size());
    for (int64_t start = -window - 1; start <= length + 1; ++start) {
      for (const char is_reversed : {0, 1}) {
        out.chromosome.push_back(chromosome);
        out.starts.push_back(start);
        out.is_reversed.push_back(is_reversed);
        out.interval.push_back(0);
      }
    }
  }
  return out;
}

// The same letter by letter.
std::string plain_letters(const WindowPlaces& places, size_t i, int64_t window) {
  const std::string& all = places.chromosome[i] == 0 ? kFirst : kSecond;
  std::string out;
  for (int64_t k = places.starts[i]; k < places.starts[i] + window; ++k)
    out += k >= 0 && k < static_cast<int64_t>(all.size()) ? all[static_cast<size_t>(k)] : 'N';
  if (places.is_reversed[i] == 0) return out;
  std::reverse(out.begin(), out.end());
  for (char& letter : out) letter = "TGCANtgcan"[std::string("ACGTNacgtn").find(letter)];
  return out;
}

std::vector<int64_t> all_of(const WindowPlaces& places) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < places.size(); ++i) out.push_back(i);
  return out;
}

// Values are positions of "a"; position 3 and beyond 30 have none.
class Positions : public io::SignalTrack {
 public:
  const std::string& path() const override { return path_; }
  const std::vector<std::string>& chromosomes() const override { return names_; }
  void for_each(int64_t, const Call&) const override {}
  void fill(int64_t, int64_t start, int64_t end, float* out) const override {
    for (int64_t i = start; i < end; ++i) {
      if (i != 3 && i < 30) out[i - start] = static_cast<float>(i);
    }
  }

 private:
  std::string path_ = "positions";
  std::vector<std::string> names_ = {"a"};
};

}  // namespace

CATCH_TEST_CASE("one-hot windows are the letters one by one, for each strand, layout and mask",
                "[windows]") {
  for (const int64_t window : {1, 6, 50}) {
    const WindowPlaces places = everywhere(window);
    for (const bool channels_first : {false, true}) {
      for (const SoftMask mask : {SoftMask::kIgnore, SoftMask::kChannel}) {
        GenomeOptions options;
        options.window = window;
        options.channels_first = channels_first;
        options.soft_mask = mask;
        const GenomeWindows windows(two_chromosomes(), places, options);
        at::Tensor found = windows.batch(all_of(places)).reads.sequences;
        if (channels_first) found = found.transpose(1, 2);
        at::Tensor expected = at::zeros_like(found);
        for (size_t i = 0; i < places.starts.size(); ++i) {
          const std::string letters = plain_letters(places, i, window);
          for (size_t k = 0; k < letters.size(); ++k) {
            const auto row = expected[static_cast<int64_t>(i)][static_cast<int64_t>(k)];
            const size_t base = std::string("ACGTacgt").find(letters[k]);
            if (base != std::string::npos) row[static_cast<int64_t>(base % 4)] = 1;
            if (mask == SoftMask::kChannel) row[4] = letters[k] >= 'a' ? 1 : 0;
          }
        }
        CATCH_REQUIRE(found.equal(expected));
      }
    }
    GenomeOptions lower;
    lower.window = window;
    lower.soft_mask = SoftMask::kLower;
    const auto letters = GenomeWindows(two_chromosomes(), places, lower).letters(all_of(places));
    for (size_t i = 0; i < letters.size(); ++i)
      CATCH_REQUIRE(letters[i] == plain_letters(places, i, window));
  }
}

CATCH_TEST_CASE("an encoding of letters sees the same windows", "[windows]") {
  const WindowPlaces places = everywhere(9);
  GenomeOptions options;
  options.window = 9;
  const at::Tensor plain =
      GenomeWindows(two_chromosomes(), places, options).batch(all_of(places)).reads.sequences;
  EncoderOptions encoder;
  encoder.channels_first = true;
  options.encoding = ReadEncoding{{}, make_encoder(encoder)};
  const WindowBatch batch = GenomeWindows(two_chromosomes(), places, options).batch(all_of(places));
  CATCH_CHECK(batch.reads.sequences.equal(plain));
  CATCH_CHECK(batch.reads.index == all_of(places));
}

CATCH_TEST_CASE("shift and strand depend on seed, epoch and index only", "[windows]") {
  const WindowPlaces places = everywhere(6);
  GenomeOptions options;
  options.window = 6;
  options.jitter = 3;
  options.reverse_complement = 0.5;
  const GenomeWindows windows(two_chromosomes(), places, options);
  const WindowBatch all = windows.batch(all_of(places), 4);
  for (const int64_t index : {0, 7, 30}) {
    const std::vector<int64_t> one = {index};
    const WindowBatch alone = windows.batch(one, 4);
    CATCH_CHECK(alone.reads.sequences[0].equal(all.reads.sequences[index]));
    CATCH_CHECK(alone.starts.item<int64_t>() == all.starts[index].item<int64_t>());
  }
  const at::Tensor shift = all.starts - at::tensor(places.starts);
  CATCH_CHECK(shift.min().item<int64_t>() == -3);
  CATCH_CHECK(shift.max().item<int64_t>() == 3);
  const double share = all.reversed.to(at::kDouble).mean().item<double>();
  CATCH_CHECK(std::abs(share - 0.5) < 0.2);
  CATCH_CHECK(!windows.batch(all_of(places), 5).starts.equal(all.starts));
  options.seed = 1;
  CATCH_CHECK(!GenomeWindows(two_chromosomes(), places, options)
                   .batch(all_of(places), 4)
                   .starts.equal(all.starts));
}

CATCH_TEST_CASE("targets turn with the strand, and bins leave out or count what is missing",
                "[windows]") {
  WindowPlaces places;
  places.chromosome = {0, 0, 1};
  places.starts = {-2, -2, 0};
  places.is_reversed = {0, 1, 0};
  places.interval = {0, 0, 0};
  GenomeOptions options;
  options.window = 9;
  options.tracks = {.width = 8, .bin = 2};
  const std::vector<int64_t> both = {0, 1, 2};
  const auto targets = [&](Binning binning, float missing) {
    options.tracks.binning = binning;
    options.tracks.missing = missing;
    return GenomeWindows(two_chromosomes(), places, options, {std::make_shared<Positions>()})
        .batch(both)
        .targets;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto expect = [](const at::Tensor& found, const std::vector<float>& values) {
    CATCH_CHECK(found.flatten().allclose(at::tensor(values), 0, 0, true));
  };
  // Forward -2..5, of the other strand 6..-1: one position is left over.
  expect(targets(Binning::kMean, nan)[0], {nan, 0.5, 2, 4.5});
  expect(targets(Binning::kMean, nan)[1], {5.5, 4, 1.5, 0});
  expect(targets(Binning::kMean, nan)[2], {nan, nan, nan, nan});
  expect(targets(Binning::kMean, 0)[0], {0, 0.5, 1, 4.5});
  expect(targets(Binning::kSum, 0)[1], {11, 4, 3, 0});
  expect(targets(Binning::kMax, nan)[0], {nan, 1, 2, 5});
  options.tracks = {.width = 0, .bin = 1};
  expect(targets(Binning::kMean, -1)[1], {6, 5, 4, -1, 2, 1, 0, -1, -1});
}

CATCH_TEST_CASE("options that do not fit are refused with their values", "[windows]") {
  const auto message_of = [](GenomeOptions options) -> std::string {
    try {
      const GenomeWindows made(two_chromosomes(), everywhere(6), options);
    } catch (const ArgumentError& error) {
      return error.what();
    }
    return "";
  };
  GenomeOptions options;
  options.window = 6;
  CATCH_CHECK(message_of(options).empty());
  GenomeOptions other = options;
  other.tracks.bin = 4;
  CATCH_CHECK(message_of(other) ==
              "bin: expected a divisor of 6, the positions of a target, got 4");
  other = options;
  other.tracks.width = 7;
  CATCH_CHECK(message_of(other) == "target_window: expected 1 to 6, the window, got 7");
  other = options;
  other.jitter = -1;
  CATCH_CHECK(message_of(other) == "jitter: expected 0 or more, got -1");
  CATCH_CHECK_THROWS_WITH(parse_binning("median"),
                          "binning: expected one of mean, sum, max, got 'median'");
  const std::vector<int64_t> outside = {900};
  CATCH_CHECK_THROWS_WITH(GenomeWindows(two_chromosomes(), everywhere(6), options).batch(outside),
                          Catch::Contains("window index: expected 0 to"));
}
