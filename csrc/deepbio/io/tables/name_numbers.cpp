#include "deepbio/io/tables/name_numbers.h"

namespace deepbio::io {

int32_t NameNumbers::number_of(std::string_view name) {
  // Files are sorted as a rule, so that most lines have the name of the line before.
  if (last_ < names_.size() && names_[last_] == name) return static_cast<int32_t>(last_);
  const auto next = static_cast<int32_t>(names_.size());
  const auto [found, is_new] = number_of_.emplace(std::string(name), next);
  if (is_new) names_.emplace_back(name);
  last_ = static_cast<size_t>(found->second);
  return found->second;
}

}  // namespace deepbio::io
