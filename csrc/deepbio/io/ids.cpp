#include "deepbio/io/ids.h"

#include <algorithm>
#include <unordered_set>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

std::string examples(const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  std::string out;
  for (size_t k = 0; k < std::min<size_t>(ids.size(), 3); ++k) out += (k == 0 ? " (" : ", ") + quoted(ids[k]);
  return out + (ids.size() > 3 ? ", ...)" : ")");
}

}  // namespace

IdOverlap compare_ids(const std::vector<std::string>& first, const std::vector<std::string>& second) {
  const std::unordered_set<std::string_view> in_first(first.begin(), first.end());
  const std::unordered_set<std::string_view> in_second(second.begin(), second.end());
  IdOverlap out;
  for (const auto& id : first) (in_second.contains(id) ? out.shared : out.only_first).push_back(id);
  for (const auto& id : second) {
    if (!in_first.contains(id)) out.only_second.push_back(id);
  }
  return out;
}

std::string describe(const IdOverlap& overlap, std::string_view first, std::string_view second) {
  return std::to_string(overlap.only_first.size()) + " samples only in " + std::string(first) +
         examples(overlap.only_first) + ", " + std::to_string(overlap.only_second.size()) + " only in " +
         std::string(second) + examples(overlap.only_second) + ", " + std::to_string(overlap.shared.size()) +
         " in both";
}

}  // namespace deepbio::io
