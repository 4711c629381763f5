#include "deepbio/train/schedule.h"

#include "catch.h"

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

CATCH_TEST_CASE("the learning rate rises over the warm-up and falls to zero", "[schedule]") {
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10, 110}, 0).lr == Approx(0.1));
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10, 110}, 9).lr == Approx(1));
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10, 110}, 10).lr == Approx(1));
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10, 110}, 60).lr == Approx(0.5));
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10, 110}, 110).lr == Approx(0).margin(1e-12));
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10, 110}, 500).lr == Approx(0).margin(1e-12));
}

CATCH_TEST_CASE("a warm-up longer than a tenth of the run is cut to that", "[schedule]") {
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10000, 100}, 9).lr == Approx(1));
  CATCH_REQUIRE(scheduled_rate({"warmup_cosine", 1, 10000, 5}, 0).lr == Approx(1));
}

CATCH_TEST_CASE("a cycle goes up and down once, and momentum the other way", "[schedule]") {
  const ScheduleOptions options{"onecycle", 1, 0, 101};
  CATCH_REQUIRE(scheduled_rate(options, 0).lr == Approx(0.04));
  CATCH_REQUIRE(scheduled_rate(options, 0).momentum == Approx(0.95));
  CATCH_REQUIRE(scheduled_rate(options, 29).lr == Approx(1).margin(1e-2));
  CATCH_REQUIRE(scheduled_rate(options, 29).momentum == Approx(0.85).margin(1e-3));
  CATCH_REQUIRE(scheduled_rate(options, 100).lr == Approx(4e-6));
  CATCH_REQUIRE(scheduled_rate(options, 100).momentum == Approx(0.95));
}

CATCH_TEST_CASE("restarts come after a quarter of the run, then twice as late", "[schedule]") {
  const ScheduleOptions options{"cosine_restarts", 1, 0, 40};
  for (const int64_t start : {0, 10, 30})
    CATCH_REQUIRE(scheduled_rate(options, start).lr == Approx(1));
  CATCH_REQUIRE(scheduled_rate(options, 5).lr == Approx(0.5));
  CATCH_REQUIRE(scheduled_rate(options, 20).lr == Approx(0.5));
  CATCH_REQUIRE(scheduled_rate({"cosine", 1, 0, 40}, 20).lr == Approx(0.5));
}

CATCH_TEST_CASE("on a plateau the rate falls after more than five epochs without gain",
                "[schedule]") {
  Plateau plateau;
  plateau.see(1);
  for (int epoch = 0; epoch < 5; ++epoch) plateau.see(1);
  CATCH_REQUIRE(plateau.factor == 1);
  plateau.see(0.99995);  // not a gain
  CATCH_REQUIRE(plateau.factor == Approx(0.3));
  plateau.see(0.5);
  CATCH_REQUIRE(plateau.best == 0.5);
}

CATCH_TEST_CASE("every schedule has a rate for each update; others are refused", "[schedule]") {
  for (const std::string& name : schedule_names()) {
    for (int64_t update = 0; update < 7; ++update) {
      const double lr = scheduled_rate({name, 0.5, 2, 5}, update).lr;
      CATCH_REQUIRE(lr >= 0);
      CATCH_REQUIRE(lr <= 0.5);
    }
  }
  CATCH_REQUIRE_THROWS_AS(scheduled_rate({"step", 1, 0, 10}, 0), ConfigError);
}

}  // namespace
}  // namespace deepbio::train
