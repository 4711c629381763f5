#include "deepbio/model/encoder_workspace.h"

#include "catch.h"

using namespace deepbio::model::encoder;

CATCH_TEST_CASE("a workspace that was given back is used again by the next one of about its size",
                "[encoder]") {
  const float* first = nullptr;
  {
    const auto buffer = take_workspace(3'000'000);
    first = buffer.get();
    CATCH_REQUIRE(reinterpret_cast<uintptr_t>(first) % 64 == 0);
    const auto other = take_workspace(3'000'000);
    CATCH_REQUIRE(other.get() != first);
  }
  const auto again = take_workspace(2'900'000);
  const auto once_more = take_workspace(2'900'000);
  CATCH_REQUIRE((again.get() == first || once_more.get() == first));
}

CATCH_TEST_CASE("steps of changing size share one buffer, though a new one would be a closer fit",
                "[encoder]") {
  const float* large = take_workspace(80'000'000).get();
  for (const int64_t floats : {30'000'000, 80'000'000, 45'000'000, 12'000'000, 79'000'000}) {
    CATCH_REQUIRE(take_workspace(floats).get() == large);
  }
}

CATCH_TEST_CASE(
    "idle workspaces and those in use never hold more than the most that was in use at once",
    "[encoder]") {
  const auto bounded = [] {
    const WorkspaceUse use = workspace_use();
    return use.leased_bytes + use.idle_bytes <= use.peak_bytes;
  };
  const int64_t before = workspace_use().leased_bytes;
  for (int64_t floats = 100'000; floats < 60'000'000; floats *= 2) {
    auto buffer = take_workspace(floats);
    CATCH_REQUIRE(workspace_use().leased_bytes >= before + floats * 4);
    CATCH_REQUIRE(bounded());
    buffer.reset();
    CATCH_REQUIRE(bounded());
  }
  CATCH_REQUIRE(workspace_use().leased_bytes == before);
  // A small request does not sit on a large buffer.
  const auto small = take_workspace(1000);
  CATCH_REQUIRE(workspace_use().leased_bytes - before < 100'000);
}
