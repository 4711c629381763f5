#include "deepbio/community/ordination.h"

#include <ATen/ATen.h>

#include <cmath>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

// Points whose extent differs from axis to axis, the largest first.
at::Tensor stretched_points(int64_t n, int64_t dimensions) {
  return points(n, dimensions) * at::arange(1, dimensions + 1, at::kDouble).flip({0});
}

double largest_gap(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

CATCH_TEST_CASE("coordinates of points have the distances of the points", "[ordination]") {
  const at::Tensor distances = between(stretched_points(30, 4));
  for (const PcoaMethod method : {PcoaMethod::kExact, PcoaMethod::kRandomised}) {
    const Pcoa result = pcoa(distances, {6, method});
    CATCH_REQUIRE(result.coordinates.sizes() == at::IntArrayRef{30, 6});
    CATCH_REQUIRE(largest_gap(between(result.coordinates), distances) < 1e-6);
    CATCH_REQUIRE(result.eigenvalues.narrow(0, 4, 2).eq(0).all().item<bool>());
    CATCH_REQUIRE(result.coordinates.narrow(1, 4, 2).eq(0).all().item<bool>());
    CATCH_REQUIRE(result.proportion_explained.sum().item<double>() == Approx(1).epsilon(1e-9));
    CATCH_REQUIRE(largest_gap(result.coordinates.mean(0), at::zeros({6}, at::kDouble)) < 1e-9);
    CATCH_REQUIRE((result.eigenvalues.diff() <= 0).all().item<bool>());
  }
}

CATCH_TEST_CASE("the random axes of a distance that is not Euclidean equal the exact ones",
                "[ordination]") {
  const at::Tensor distances = between(stretched_points(60, 40)).pow(1.3);
  const Pcoa exact = pcoa(distances, {5, PcoaMethod::kExact});
  const Pcoa random = pcoa(distances, {5, PcoaMethod::kRandomised, 7});
  CATCH_REQUIRE(largest_gap(exact.eigenvalues / exact.eigenvalues[0],
                            random.eigenvalues / exact.eigenvalues[0]) < 1e-6);
  CATCH_REQUIRE(largest_gap(exact.coordinates, random.coordinates) <
                1e-3 * exact.coordinates.abs().max().item<double>());
  const Pcoa again = pcoa(distances, {5, PcoaMethod::kRandomised, 7});
  CATCH_REQUIRE(at::equal(random.coordinates, again.coordinates));
}

CATCH_TEST_CASE("random axes are right to nine digits where eigenvalues lie close to each other",
                "[ordination]") {
  const at::Tensor weights = at::linspace(3, 0.1, 40, at::kDouble);
  const int64_t n = 500;
  at::Tensor at = at::arange(n * 40, at::kDouble).view({n, 40});
  at = (at * at * 0.37 + 1).sin() * weights;
  for (const double power : {1.0, 1.2}) {
    const at::Tensor distances = between(at).pow(power);
    const Pcoa exact = pcoa(distances, {0}),
               random = pcoa(distances, {10, PcoaMethod::kRandomised});
    const at::Tensor wanted = exact.eigenvalues.narrow(0, 0, 10);
    CATCH_REQUIRE((random.eigenvalues / wanted - 1).abs().max().item<double>() < 1e-9);
    CATCH_REQUIRE(largest_gap(exact.coordinates.narrow(1, 0, 10), random.coordinates) <
                  1e-4 * exact.coordinates.abs().max().item<double>());
  }
}

CATCH_TEST_CASE("few exact axes of many samples are those of the whole decomposition",
                "[ordination]") {
  const int64_t n = 300;
  for (const double power : {1.0, 1.4}) {
    const at::Tensor distances = between(stretched_points(n, 50)).pow(power);
    const Pcoa all = pcoa(distances, {0}), few = pcoa(distances, {6});
    const double scale = all.eigenvalues[0].item<double>();
    CATCH_REQUIRE(largest_gap(all.eigenvalues.narrow(0, 0, 6), few.eigenvalues) < 1e-11 * scale);
    CATCH_REQUIRE(largest_gap(all.proportion_explained.narrow(0, 0, 6), few.proportion_explained) <
                  1e-11);
    CATCH_REQUIRE(largest_gap(all.coordinates.narrow(1, 0, 6), few.coordinates) <
                  1e-8 * std::sqrt(scale));
  }
  // All samples at the same distance from each other: every axis is as long as the others.
  const at::Tensor alike = at::ones({n, n}, at::kDouble) - at::eye(n, at::kDouble);
  const Pcoa result = pcoa(alike, {4});
  CATCH_REQUIRE(largest_gap(result.eigenvalues, at::full({4}, 0.5, at::kDouble)) < 1e-12);
  CATCH_REQUIRE(
      largest_gap(result.proportion_explained, at::full({4}, 1.0 / (n - 1), at::kDouble)) < 1e-12);
}

CATCH_TEST_CASE("small and degenerate matrices have coordinates", "[ordination]") {
  const Pcoa one = pcoa(at::zeros({1, 1}, at::kDouble), {3});
  CATCH_REQUIRE(one.coordinates.sizes() == at::IntArrayRef{1, 1});
  CATCH_REQUIRE(one.coordinates.item<double>() == 0);
  const Pcoa same = pcoa(at::zeros({4, 4}, at::kDouble), {0});
  CATCH_REQUIRE(same.coordinates.eq(0).all().item<bool>());
  CATCH_REQUIRE(same.proportion_explained.eq(0).all().item<bool>());
  const Pcoa two = pcoa(at::tensor({0.0, 2.0, 2.0, 0.0}, at::kDouble).view({2, 2}),
                        {2, PcoaMethod::kRandomised});
  CATCH_REQUIRE(largest_gap(two.coordinates.select(1, 0).abs(), at::ones({2}, at::kDouble)) <
                1e-14);
}

CATCH_TEST_CASE("what cannot be ordinated is refused", "[ordination]") {
  CATCH_REQUIRE_THROWS_AS(pcoa(at::zeros({2, 3}), {}), ShapeError);
  CATCH_REQUIRE_THROWS_AS(pcoa(at::zeros({0, 0}), {}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(pcoa(at::zeros({2, 2}), {-1}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(pcoa(at::zeros({2, 2}), {0, PcoaMethod::kRandomised}), ArgumentError);
}

CATCH_TEST_CASE("coordinates are written as a table and as an ordination", "[ordination]") {
  const test::TemporaryFolder folder;
  const Pcoa result{at::tensor({1.0, 0.25, -1.0, 0.0}, at::kDouble).view({2, 2}),
                    at::tensor({2.0, 0.5}, at::kDouble), at::tensor({0.8, 0.2}, at::kDouble)};
  write_pcoa(folder / "p.tsv", {"a", "b"}, result, io::Overwrite::kRefuse);
  write_pcoa(folder / "p.txt", {"a", "b"}, result, io::Overwrite::kRefuse);
  CATCH_REQUIRE(test::read_text(folder / "p.tsv") ==
                "# proportion_explained\t0.8\t0.2\nsample_id\tPC1\tPC2\na\t1\t0.25\nb\t-1\t0\n");
  const std::string text = test::read_text(folder / "p.txt");
  CATCH_REQUIRE(text ==
                "Eigvals\t2\n2\t0.5\n\nProportion "
                "explained\t2\n0.8\t0.2\n\nSpecies\t0\t0\n\nSite\t2\t2\na\t1\t0.25\n"
                "b\t-1\t0\n\nBiplot\t0\t0\n\nSite constraints\t0\t0\n");
  CATCH_REQUIRE_THROWS_AS(write_pcoa(folder / "p.txt", {"a", "b"}, result, io::Overwrite::kRefuse),
                          WriteError);
  CATCH_REQUIRE_THROWS_AS(write_pcoa(folder / "q.txt", {"a"}, result, io::Overwrite::kRefuse),
                          ArgumentError);
}
