#include "deepbio/train/shared_batch.h"

#include <functional>
#include <numeric>

namespace deepbio::train {
namespace {

// What losses look at: the axis that grows with the batch, and whether it counts distinct ASVs.
struct Gathered {
  torch::Tensor model::Outputs::*value;
  int64_t axis = 0;
  bool is_of_asvs = false;
};
constexpr Gathered kGathered[] = {
    {&model::Outputs::target_prediction},
    {&model::Outputs::target_distribution},
    {&model::Outputs::member_predictions, 1},
    {&model::Outputs::count_prediction},
    {&model::Outputs::embeddings},
    {&model::Outputs::base_prediction},
    {&model::Outputs::unifrac_pred},
    {&model::Outputs::faith_pred},
    {&model::Outputs::tax_pred},
    {&model::Outputs::nuc_predictions, 0, true},
    {&model::Outputs::mask_indices, 0, true},
};

torch::Tensor asvs_of(const data::SampleBatch& batch, int64_t begin, int64_t count) {
  const torch::Tensor index = batch.asv_index.narrow(0, begin, count);
  const torch::Tensor real = index.masked_select(batch.mask.narrow(0, begin, count));
  return std::get<0>(at::_unique(real, /*sorted=*/true));
}

int64_t sum_before(const std::vector<int64_t>& values, int64_t end) {
  return std::accumulate(values.begin(), values.begin() + end, int64_t{0});
}

}  // namespace

SharedBatch::SharedBatch(const data::SampleBatch& whole, const ProcessGroup& group)
    : whole_(whole), group_(group) {
  if (group_.is_alone()) return;
  const int64_t size = whole_.mask.size(0);
  std::vector<torch::Tensor> asvs;
  for (int64_t rank = 0; rank < group_.world_size; ++rank) {
    const int64_t begin = size * rank / group_.world_size,
                  end = size * (rank + 1) / group_.world_size;
    num_samples_.push_back(end - begin);
    asvs.push_back(asvs_of(whole_, begin, end - begin));
    num_asvs_.push_back(asvs.back().size(0));
    if (rank != group_.rank) continue;
    const bool is_idle = begin == end;
    own_ = is_idle ? data::part_of(whole_, 0, 1) : data::part_of(whole_, begin, end - begin);
    own_asvs_ = is_idle ? asvs_of(whole_, 0, 1) : asvs.back();
  }
  const torch::Tensor all = torch::cat(asvs);
  first_row_ = torch::zeros({whole_.asv_tokens.size(0)}, torch::kLong);
  const auto* const asv = all.const_data_ptr<int64_t>();
  auto* const first = first_row_.mutable_data_ptr<int64_t>();
  for (int64_t row = all.size(0) - 1; row >= 0; --row) first[asv[row]] = row;
}

torch::Tensor SharedBatch::own_asvs() const {
  return group_.is_alone() ? torch::arange(whole_.asv_tokens.size(0)) : own_asvs_;
}

SharedBatch::Place SharedBatch::place_of(const torch::Tensor& own, int64_t axis,
                                         const std::vector<int64_t>& rows) const {
  Place place{own.sizes().vec(), sum_before(rows, group_.rank),
              rows[static_cast<size_t>(group_.rank)]};
  place.shape[static_cast<size_t>(axis)] = sum_before(rows, group_.world_size);
  return place;
}

model::Outputs SharedBatch::gather(const model::Outputs& own) const {
  if (group_.is_alone()) return own;
  model::Outputs all = own;
  std::vector<torch::Tensor> sent;
  for (const auto& [value, axis, is_of_asvs] : kGathered) {
    if (!(own.*value).defined()) continue;
    const Place place = place_of(own.*value, axis, is_of_asvs ? num_asvs_ : num_samples_);
    torch::Tensor answers = torch::zeros(place.shape);
    answers.narrow(axis, place.begin, place.count)
        .copy_((own.*value).detach().narrow(axis, 0, place.count));
    sent.push_back(answers.flatten());
  }
  torch::Tensor received = torch::cat(sent);
  group_.all_reduce(received);
  int64_t begin = 0;
  for (const auto& [value, axis, is_of_asvs] : kGathered) {
    if (!(own.*value).defined()) continue;
    const Place place = place_of(own.*value, axis, is_of_asvs ? num_asvs_ : num_samples_);
    const int64_t numel =
        std::accumulate(place.shape.begin(), place.shape.end(), int64_t{1}, std::multiplies<>());
    const torch::Tensor answers =
        received.narrow(0, begin, numel).view(place.shape).to((own.*value).scalar_type());
    begin += numel;
    const int64_t end = place.begin + place.count;
    const torch::Tensor whole =
        torch::cat({answers.narrow(axis, 0, place.begin), (own.*value).narrow(axis, 0, place.count),
                    answers.narrow(axis, end, answers.size(axis) - end)},
                   axis);
    all.*value = is_of_asvs ? whole.index_select(axis, first_row_) : whole;
  }
  return all;
}

}  // namespace deepbio::train
