#include "deepbio/train/metrics.h"

#include <cmath>
#include <limits>

#include "catch.h"

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

double of(const NumberAnswers& answers, const char* name) {
  return value_of(measure(answers), name);
}
double of(const ClassAnswers& answers, const char* name) {
  return value_of(measure(answers), name);
}

CATCH_TEST_CASE("regression metrics of a worked example", "[metrics]") {
  // errors 1, -1, 2; mean of actual 3; SSE 6, SST 8
  const NumberAnswers answers{{2, 2, 7}, {1, 3, 5}};
  CATCH_CHECK(of(answers, "mae") == Approx(4.0 / 3));
  CATCH_CHECK(of(answers, "mse") == Approx(2));
  CATCH_CHECK(of(answers, "rmse") == Approx(std::sqrt(2.0)));
  CATCH_CHECK(of(answers, "median_ae") == 1);
  CATCH_CHECK(of(NumberAnswers{{0, 0, 0, 0}, {4, 1, 2, 9}}, "median_ae") == 3);  // between 2 and 4
  CATCH_CHECK(of(answers, "r2") == Approx(1 - 6.0 / 8));
}

CATCH_TEST_CASE("the mean as answer has an r2 of zero, and constant truth does too", "[metrics]") {
  CATCH_CHECK(of(NumberAnswers{{2, 2}, {1, 3}}, "r2") == Approx(0).margin(1e-12));
  CATCH_CHECK(of(NumberAnswers{{1, 2}, {5, 5}}, "r2") == 0);
}

CATCH_TEST_CASE("classification metrics of a worked example", "[metrics]") {
  // actual 0 0 0 1 1 2, predicted 0 0 1 1 0 0
  const ClassAnswers answers{{0, 0, 1, 1, 0, 0}, {0, 0, 0, 1, 1, 2}, 3, {}};
  CATCH_CHECK(of(answers, "accuracy") == Approx(3.0 / 6));
  CATCH_CHECK(of(answers, "balanced_accuracy") == Approx((2.0 / 3 + 1.0 / 2 + 0) / 3));
  CATCH_CHECK(of(answers, "precision") == Approx(0.5 * (2.0 / 4) + (2.0 / 6) * (1.0 / 2)));
  CATCH_CHECK(of(answers, "recall") == Approx(0.5));
  const double f1_0 = 2 * 0.5 * (2.0 / 3) / (0.5 + 2.0 / 3), f1_1 = 0.5;
  CATCH_CHECK(of(answers, "f1") == Approx(0.5 * f1_0 + (2.0 / 6) * f1_1));
  CATCH_CHECK(answers.confusion() ==
              std::vector<std::vector<int64_t>>{{2, 1, 0}, {1, 1, 0}, {1, 0, 0}});
  CATCH_CHECK_THROWS_AS(of(answers, "auc"), ArgumentError);  // without probabilities there is none
}

CATCH_TEST_CASE("the AUC counts pairs in the right order, ties half", "[metrics]") {
  // of class 1: 0.9 0.4 | 0.4 0.1: pairs 0.9>0.4, 0.9>0.1, 0.4=0.4, 0.4>0.1
  const ClassAnswers two{{1, 0, 0, 0}, {1, 1, 0, 0}, 2, {0.1, 0.9, 0.6, 0.4, 0.6, 0.4, 0.9, 0.1}};
  CATCH_CHECK(of(two, "auc") == Approx(3.5 / 4));
  ClassAnswers one_class = two;
  one_class.actual = {1, 1, 1, 1};
  CATCH_CHECK_THROWS_AS(of(one_class, "auc"), ArgumentError);
  // class 0 against the rest 1/1, class 1 1.5/2, class 2 has no sample
  const ClassAnswers three{{0, 1, 1}, {0, 1, 1}, 3, {0.8, 0.2, 0, 0.1, 0.2, 0.7, 0.1, 0.6, 0.3}};
  CATCH_CHECK(of(three, "auc") == Approx((1 + 1.5 / 2) / 2));
}

CATCH_TEST_CASE(
    "the log loss is the mean cost of the right class, bounded where it was given nothing",
    "[metrics]") {
  const ClassAnswers answers{{1, 0}, {1, 1}, 2, {0.1, 0.9, 0.6, 0.4}};
  CATCH_CHECK(of(answers, "log_loss") == Approx(-(std::log(0.9) + std::log(0.4)) / 2));
  const ClassAnswers wrong{{0}, {1}, 2, {1, 0}};
  CATCH_CHECK(of(wrong, "log_loss") == Approx(7 * std::log(10)));
}

CATCH_TEST_CASE(
    "metrics refuse nothing at all, unequal lengths, unknown classes and lost probabilities",
    "[metrics]") {
  CATCH_CHECK_THROWS_AS(measure(NumberAnswers{}), ArgumentError);
  CATCH_CHECK_THROWS_AS(measure(NumberAnswers{{1}, {1, 2}}), ArgumentError);
  CATCH_CHECK_THROWS_AS(measure(ClassAnswers{{3}, {0}, 3, {}}), ArgumentError);
  CATCH_CHECK_THROWS_AS(measure(ClassAnswers{{0}, {-1}, 3, {}}), ArgumentError);
  CATCH_CHECK_THROWS_AS(measure(ClassAnswers{{0}, {0}, 3, {0.5}}), ArgumentError);
}

CATCH_TEST_CASE("the table says which way is better, the validation loss is the smaller the better",
                "[metrics]") {
  CATCH_CHECK(best_metric_names().front() == "val_loss");
  CATCH_CHECK(best_metric_names().size() == metrics().size() + 2);  // val_loss and last are none
  CATCH_CHECK_FALSE(is_bigger_better("val_loss"));
  CATCH_CHECK_FALSE(is_bigger_better("median_ae"));
  CATCH_CHECK(is_bigger_better("balanced_accuracy"));
  CATCH_CHECK(find_metric("maee") == nullptr);
}

}  // namespace
}  // namespace deepbio::train
