// The terms become orthonormal columns once; a permutation then only moves their rows. With the
// columns q of a term, its sum of squares is the sum of q' G q, so no hat matrix [N, N] is ever
// made.
#include "deepbio/community/adonis.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/community/distances.h"
#include "deepbio/community/groups.h"
#include "deepbio/community/ordination.h"

namespace deepbio::community {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kDependent = 1e-7;      // of a column's length: R's qr has the same
constexpr double kRoundingOfF = 1e-9;    // of statistics that are equal on paper
constexpr int64_t kPermutedAtOnce = 64;  // orders in one product

std::string joined(const Term& term) {
  std::string out;
  for (const auto& name : term) out += (out.empty() ? "" : ":") + name;
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string> split(std::string_view text, char at, std::string_view formula) {
  std::vector<std::string> out;
  for (size_t first = 0; first <= text.size();) {
    const size_t last = std::min(text.find(at, first), text.size());
    out.emplace_back(trimmed(text.substr(first, last - first)));
    if (out.back().empty()) {
      throw ArgumentError("formula: expected a term beside each '+', '*' and ':', got " +
                          quoted(formula));
    }
    first = last + 1;
  }
  return out;
}

void check_factor(const Factor& factor, int64_t n, const std::vector<std::string>& ids) {
  if (factor.values.empty())
    return check_labels(factor.labels, n, "label", ids, "adonis: factor " + factor.name);
  if (static_cast<int64_t>(factor.values.size()) != n) {
    throw ArgumentError("adonis: factor " + factor.name + ": expected a number for each of " +
                        std::to_string(n) + " samples, got " +
                        std::to_string(factor.values.size()));
  }
  for (int64_t i = 0; i < n; ++i) {
    if (std::isfinite(factor.values[i])) continue;
    throw ArgumentError(
        "adonis: factor " + factor.name + ": expected a finite number for each sample, got " +
        std::to_string(factor.values[i]) + " for " +
        (ids.empty() ? "sample " + std::to_string(i) + " (from 0)" : quoted(ids[i])));
  }
}

// [N, 1] for numbers, an indicator for each label otherwise.
at::Tensor columns_of(const Factor& factor, int64_t n) {
  if (!factor.values.empty()) return at::tensor(factor.values, at::kDouble).view({n, 1});
  const Groups groups = number_groups(factor.labels);
  const at::Tensor of_sample = at::tensor(groups.of_sample, at::kInt).unsqueeze(1);
  return of_sample.eq(at::arange(groups.count(), at::kInt)).to(at::kDouble);
}

// An interaction has the products of all columns of its factors, [N, levels of a * levels of b].
// Most of them depend on the columns of the factors alone; `addition` drops what does, as R's qr
// does.
at::Tensor columns_of(const Term& term, const std::vector<Factor>& factors, int64_t n,
                      const std::vector<std::string>& ids) {
  at::Tensor out = at::ones({n, 1}, at::kDouble);
  for (const auto& name : term) {
    const auto found =
        std::find_if(factors.begin(), factors.end(), [&](const auto& f) { return f.name == name; });
    if (found == factors.end()) {
      std::vector<std::string> known;
      for (const auto& factor : factors) known.push_back(factor.name);
      const std::string near = nearest_name(name, known);
      throw ArgumentError("adonis: unknown factor " + quoted(name) +
                          (near.empty() ? "" : "; did you mean " + quoted(near) + "?"));
    }
    check_factor(*found, n, ids);
    out = (out.unsqueeze(2) * columns_of(*found, n).unsqueeze(1)).flatten(1);
  }
  return out;
}

// What `columns` add to the orthonormal columns of `basis`: [N, degrees], orthonormal, at right
// angles to the basis.
at::Tensor addition(const at::Tensor& basis, const at::Tensor& columns) {
  at::Tensor all = basis;
  for (int64_t c = 0; c < columns.size(1); ++c) {
    at::Tensor column = columns.narrow(1, c, 1);
    const double length = column.norm().item<double>();
    // Gram-Schmidt twice: after one pass a column that nearly depends on the basis is not at right
    // angles to it any more, and its rounding would count as a degree of freedom.
    for (int pass = 0; pass < 2; ++pass) column = column - all.matmul(all.t().matmul(column));
    const double left = column.norm().item<double>();
    // Relative to the column's own length: a factor in metres and one in kilometres have the same
    // degrees.
    if (left > kDependent * length) all = at::cat({all, column / left}, 1);
  }
  return all.narrow(1, basis.size(1), all.size(1) - basis.size(1)).contiguous();
}

bool is_part_of(const Term& small, const Term& large) {
  return small.size() < large.size() &&
         std::all_of(small.begin(), small.end(), [&](const auto& name) {
           return std::find(large.begin(), large.end(), name) != large.end();
         });
}

// With at least one column for each factor, the design is the mean and the terms in their order.
struct Design {
  std::vector<std::string> names;     // of the terms that are tested
  std::vector<at::Tensor> additions;  // [N, degrees] of each
  at::Tensor whole;                   // all that the terms explain together
};

Design design_of(const std::vector<at::Tensor>& columns, const std::vector<Term>& terms,
                 TermOrder order, int64_t n) {
  const at::Tensor mean = at::full({n, 1}, 1 / std::sqrt(static_cast<double>(n)), at::kDouble);
  const auto basis_without = [&](size_t left_out) {
    at::Tensor basis = mean;
    for (size_t t = 0; t < columns.size(); ++t) {
      if (t != left_out) basis = at::cat({basis, addition(basis, columns[t])}, 1);
    }
    return basis;
  };
  Design out;
  at::Tensor basis = mean;
  for (size_t t = 0; t < terms.size(); ++t) {
    // Marginality: with a:b in the model, a test of a alone would depend on how the levels are
    // coded.
    const bool is_tested = order == TermOrder::kTerms ||
                           std::none_of(terms.begin(), terms.end(), [&](const Term& other) {
                             return is_part_of(terms[t], other);
                           });
    const at::Tensor added = addition(basis, columns[t]);
    basis = at::cat({basis, added}, 1);
    if (!is_tested) continue;
    out.names.push_back(joined(terms[t]));
    out.additions.push_back(order == TermOrder::kTerms ? added
                                                       : addition(basis_without(t), columns[t]));
    // No column left means no degree of freedom, and F would be 0 / 0.
    if (out.additions.back().size(1) == 0) {
      throw ArgumentError(
          "adonis: the term " + quoted(out.names.back()) +
          " adds nothing to the others: it is the same for all samples, or said by them");
    }
  }
  // Without the mean: G is centred, so the mean explains nothing of it.
  out.whole = basis.narrow(1, 1, basis.size(1) - 1).contiguous();
  return out;
}

// q' G q summed over the columns q of each part, for orders of the samples side by side.
//   parts     [N, C] each
//   returns   float64 [parts, orders]
at::Tensor explained(const at::Tensor& centred, const std::vector<at::Tensor>& parts,
                     const std::vector<std::vector<int64_t>>& orders) {
  // Sample i takes the row of another; moving G instead would copy N^2 numbers for each order. The
  // orders are put side by side, [N, orders * C], so that G is read once for all of them.
  std::vector<at::Tensor> moved;
  const at::Tensor all = at::cat(parts, 1);
  for (const auto& order : orders) {
    at::Tensor rows = at::empty_like(all);
    rows.index_copy_(0, at::tensor(order, at::kLong), all);
    moved.push_back(rows);
  }
  const at::Tensor side_by_side = at::cat(moved, 1);
  // The diagonal of Q' G Q without its other entries: [N, orders * C] summed over N.
  const at::Tensor squares = (centred.matmul(side_by_side) * side_by_side)
                                 .sum(0)
                                 .view({static_cast<int64_t>(orders.size()), all.size(1)});
  std::vector<at::Tensor> sums;
  int64_t first = 0;
  for (const auto& part : parts) {
    sums.push_back(squares.narrow(1, first, part.size(1)).sum(1));
    first += part.size(1);
  }
  return at::stack(sums);
}

}  // namespace

TermOrder parse_term_order(std::string_view name) {
  if (name == "terms") return TermOrder::kTerms;
  if (name == "margin") return TermOrder::kMargin;
  throw ArgumentError("by: expected terms or margin, got " + quoted(name));
}

std::vector<Term> parse_terms(std::string_view formula) {
  std::vector<Term> out;
  const auto add = [&](const Term& term) {
    const bool is_there = std::any_of(out.begin(), out.end(), [&](const Term& other) {
      return std::is_permutation(term.begin(), term.end(), other.begin(), other.end());
    });
    if (!is_there) out.push_back(term);
  };
  for (const auto& sum : split(formula, '+', formula)) {
    const std::vector<std::string> crossed = split(sum, '*', formula);
    if (crossed.size() > 2)
      throw ArgumentError("formula: expected at most one '*' in a term, got " + quoted(sum));
    for (const auto& each : crossed) add(split(each, ':', formula));
    if (crossed.size() == 2) add(split(crossed[0] + ":" + crossed[1], ':', formula));
  }
  // Main effects before interactions, or the interaction would take up their degrees.
  std::stable_sort(out.begin(), out.end(),
                   [](const Term& a, const Term& b) { return a.size() < b.size(); });
  return out;
}

std::vector<AdonisRow> adonis(const at::Tensor& given, const std::vector<Factor>& factors,
                              const std::vector<Term>& terms, TermOrder order,
                              const PermutationOptions& options,
                              const std::vector<std::string>& ids) {
  const at::Tensor distances = sound_distances(given, ids, "adonis");
  const int64_t n = distances.size(0);
  if (terms.empty()) throw ArgumentError("adonis: expected at least one term");
  std::vector<at::Tensor> columns;
  for (const Term& term : terms) columns.push_back(columns_of(term, factors, n, ids));
  const Design design = design_of(columns, terms, order, n);
  const int64_t degrees_left = n - 1 - design.whole.size(1);
  if (degrees_left < 1) {
    throw ArgumentError("adonis: the terms have " + std::to_string(design.whole.size(1)) +
                        " degrees of freedom, and " + std::to_string(n) +
                        " samples leave none for the residual");
  }
  const Orders orders(n, options, "adonis");
  const at::Tensor centred = gower_centred(distances);
  const double total = centred.diagonal().sum().item<double>();
  // Written so that NaN is refused, too.
  if (!(total > 0))
    throw ArgumentError("adonis: all samples are at the same place: there is nothing to explain");

  std::vector<at::Tensor> parts = design.additions;
  parts.push_back(design.whole);
  std::vector<int64_t> as_given;
  for (int64_t i = 0; i < n; ++i) as_given.push_back(i);
  const at::Tensor real = explained(centred, parts, {as_given});
  const auto num_terms = static_cast<int64_t>(design.additions.size());
  // The residual is what the terms together leave. It is kept above 0: where the terms explain all
  // of it rounding may put it below, and a negative F would be counted as small.
  const auto f_of =
      [&](const at::Tensor& sums) {  // [parts, orders]: without the degrees, which do not change
        return sums.narrow(0, 0, num_terms) /
               (total - sums.narrow(0, num_terms, 1)).clamp_min(1e-14 * total);
      };
  const at::Tensor f = f_of(real), limit = f - kRoundingOfF * f.abs();
  // 1 for the order that was given, which belongs to the null distribution (Phipson & Smyth 2010):
  // p is never 0. Orders that are equal on paper differ by rounding, hence the limit a little below
  // F.
  at::Tensor num_as_large = at::ones({num_terms}, at::kLong);
  for (int64_t first = 0; first < orders.count(); first += kPermutedAtOnce) {
    std::vector<std::vector<int64_t>> some;
    for (int64_t k = first; k < std::min(first + kPermutedAtOnce, orders.count()); ++k)
      some.push_back(orders.at(k));
    num_as_large += f_of(explained(centred, parts, some)).ge(limit).sum(1);
  }

  std::vector<AdonisRow> out;
  const double left = total - real[num_terms][0].item<double>();
  for (int64_t t = 0; t < num_terms; ++t) {
    AdonisRow row{design.names[t], design.additions[t].size(1), real[t][0].item<double>()};
    row.pseudo_f = row.sum_of_squares / static_cast<double>(row.degrees) /
                   (left / static_cast<double>(degrees_left));
    row.p_value = num_as_large[t].item<double>() / static_cast<double>(1 + orders.count());
    out.push_back(row);
  }
  out.push_back({"Residual", degrees_left, left, 0, kNone, kNone});
  out.push_back({"Total", n - 1, total, 0, kNone, kNone});
  for (AdonisRow& row : out) row.r2 = row.sum_of_squares / total;
  return out;
}

}  // namespace deepbio::community
