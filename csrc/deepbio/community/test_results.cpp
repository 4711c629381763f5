#include "deepbio/community/test_results.h"

namespace deepbio::community {
namespace {

template <class Result>
Json permutations_of(const Result& found) {
  return Json(Json::Object{{"p_value", found.p_value},
                           {"num_samples", found.num_samples},
                           {"num_permutations", found.num_permutations}});
}

}  // namespace

Json to_json(const Permanova& found) {
  Json out = permutations_of(found);
  out.set("pseudo_f", found.pseudo_f);
  out.set("num_groups", found.num_groups);
  return out;
}

Json to_json(const Anosim& found) {
  Json out = permutations_of(found);
  out.set("r", found.r);
  out.set("num_groups", found.num_groups);
  return out;
}

Json to_json(const Permdisp& found) {
  Json out = permutations_of(found);
  out.set("f", found.f);
  Json spread = Json::object();
  for (size_t g = 0; g < found.groups.size(); ++g) spread.set(found.groups[g], found.spread[g]);
  out.set("spread", std::move(spread));
  return out;
}

Json to_json(const Mantel& found) {
  Json out(Json::Object{{"r", found.r}});
  // Kept in a variable: a loop over a temporary's parts would outlive it.
  const Json shared = permutations_of(found);
  for (const auto& [name, value] : shared.as_object()) out.set(name, value);
  return out;
}

Json to_json(const AdonisRow& row) {
  return Json(Json::Object{{"term", row.name},
                           {"degrees", row.degrees},
                           {"sum_of_squares", row.sum_of_squares},
                           {"r2", row.r2},
                           {"pseudo_f", row.pseudo_f},
                           {"p_value", row.p_value}});
}

}  // namespace deepbio::community
