#include "deepbio/io/facts.h"

#include "deepbio/base/error.h"
#include "deepbio/io/sniff.h"

namespace deepbio::io {
namespace {

Json content_facts(const std::string& path, const FileGuess& guess) {
  const KindRow& row = row_of(guess.kind);
  if (guess.kind == FileKind::kForeign)
    return Json(Json::Object{{"kind", "not read: " + guess.description}});
  if (row.title.empty()) {
    throw ParseError({path}, "sequences, a table, a tree, distances, metadata or tensors",
                     "content of another kind");
  }
  Json out(Json::Object{{"kind", std::string(row.title)}});
  if (row.facts == nullptr) return out;
  const Json facts = row.facts(path);
  for (const auto& [name, value] : facts.as_object()) out.set(name, value);
  return out;
}

}  // namespace

Json facts_of_file(const std::string& path) {
  const FileGuess guess = sniff(path);
  Json out(Json::Object{{"path", path}});
  const Json content = content_facts(path, guess);
  for (const auto& [name, value] : content.as_object()) out.set(name, value);
  if (guess.container != Container::kPlain)
    out.set("container", std::string(to_string(guess.container)));
  if (!guess.artifact_type.empty()) out.set("artifact_type", guess.artifact_type);
  return out;
}

}  // namespace deepbio::io
