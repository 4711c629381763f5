#include "deepbio/base/spelling.h"

#include "catch.h"

using deepbio::spelled_for_python;
using deepbio::spelled_for_shell;

CATCH_TEST_CASE("options in back quotes are spelled as the door writes them", "[spelling]") {
  const char* text =
      "`batch_size`: expected 1 or more; give `sequences` or `missing_samples=drop`, "
      "`embedding_dim=128`";
  CATCH_CHECK(spelled_for_shell(text) ==
              "--batch-size: expected 1 or more; give --sequences or --missing-samples drop, "
              "--embedding-dim 128");
  CATCH_CHECK(spelled_for_python(text) ==
              "batch_size: expected 1 or more; give sequences= or missing_samples=\"drop\", "
              "embedding_dim=128");
}

CATCH_TEST_CASE("a switch is spelled as a door turns it on and off", "[spelling]") {
  CATCH_CHECK(spelled_for_shell("`freeze_base=true` or `count_prediction=false`") ==
              "--freeze-base or --no-count-prediction");
  CATCH_CHECK(spelled_for_python("`freeze_base=true` or `count_prediction=false`") ==
              "freeze_base=True or count_prediction=False");
}

CATCH_TEST_CASE("what Python does by a method is called by its name there", "[spelling]") {
  const char* text = "take its midpoint with `root=midpoint`";
  CATCH_CHECK(spelled_for_shell(text) == "take its midpoint with --root midpoint");
  CATCH_CHECK(spelled_for_python(text) == "take its midpoint with Tree.root_at_midpoint()");
}

CATCH_TEST_CASE("what is no option stays as it is", "[spelling]") {
  for (const char* text :
       {"as `deepbio train` writes it", "a ` alone", "``", "`Not_an_option`", "x `A` y", ""}) {
    CATCH_CHECK(spelled_for_shell(text) == text);
    CATCH_CHECK(spelled_for_python(text) == text);
  }
  CATCH_CHECK(spelled_for_shell("it's `A b` or `lr`") == "it's `A b` or --lr");
}
