#include "deepbio/seq/block_tensor.h"

#include <ATen/ATen.h>

#include "catch.h"

#include "deepbio/base/block_pool.h"
#include "deepbio/seq/encode.h"

using namespace deepbio;

CATCH_TEST_CASE("Tensors of the pool behave as those of torch", "[pool]") {
  for (const at::ScalarType type : {at::kFloat, at::kLong, at::kByte}) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{}, {0}, {3, 0, 4}, {7}, {300, 150, 4}}) {
      at::Tensor ours = seq::empty_tensor(shape, type).fill_(1);
      const at::Tensor theirs = at::empty(shape, type).fill_(1);
      CATCH_CHECK(at::equal(ours, theirs));
      CATCH_CHECK(ours.scalar_type() == type);
      CATCH_CHECK(ours.is_contiguous());
      ours.resize_({400, 200, 4});
      CATCH_CHECK(ours.numel() == 320000);
    }
  }
  CATCH_CHECK_THROWS(seq::empty_tensor({-1, 70000}));
}

CATCH_TEST_CASE("The memory of a batch is that of one before it", "[pool]") {
  release_blocks();
  const std::vector<std::string> reads(256, std::string(150, 'A'));
  const std::vector<std::string_view> views(reads.begin(), reads.end());
  const void* const first = seq::encode_one_hot(views).values.data_ptr();
  const uint64_t fresh = block_counts().num_fresh;
  for (int i = 0; i < 10; ++i) {
    const at::Tensor values = seq::encode_one_hot(views).values;
    CATCH_CHECK(values.data_ptr() == first);
    CATCH_CHECK(values.sum().item<float>() == 256 * 150);
  }
  CATCH_CHECK(block_counts().num_fresh == fresh);
  release_blocks();
}

CATCH_TEST_CASE("What another tensor had left does not show in padding", "[pool]") {
  const std::vector<std::string> words{"ACGT", "AC"};
  std::vector<std::string> longer, shorter;
  for (int i = 0; i < 6000; ++i) {
    longer.push_back("ACGTACGTACGT");
    shorter.push_back(i == 0 ? "ACGTACGTACGT" : words[static_cast<size_t>(i) % 2]);
  }
  const std::vector<std::string_view> all(longer.begin(), longer.end()),
      some(shorter.begin(), shorter.end());
  (void)seq::encode_aam_tokens(all);
  (void)seq::encode_one_hot(all);
  (void)seq::encode_integers(all);
  const at::Tensor tokens = seq::encode_aam_tokens(some).values;
  CATCH_CHECK(tokens[2].sum().item<int64_t>() == tokens[2].narrow(0, 0, 5).sum().item<int64_t>());
  CATCH_CHECK(tokens[2].narrow(0, 5, 8).sum().item<int64_t>() == 0);
  CATCH_CHECK(seq::encode_one_hot(some).values[2].sum().item<float>() == 4);
  CATCH_CHECK(seq::encode_integers(some).values[2].sum().item<int64_t>() == 6 - 8);
}
