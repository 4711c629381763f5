// Ids: lists of them, and which two files share: a table and its metadata, a table and a distance
// matrix.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

struct IdOverlap {
  std::vector<std::string> shared;      // in the order of the first list
  std::vector<std::string> only_first;  // in the order of the first list
  std::vector<std::string> only_second;
  bool is_same_set() const { return only_first.empty() && only_second.empty(); }
};

// Ids of a file, one a line; further columns after a tab do not matter, empty lines neither.
//   throws as read_text
std::vector<std::string> read_id_list(const std::string& path);

// Compares letter by letter; ids never become numbers. Each list holds an id once.
IdOverlap compare_ids(const std::vector<std::string>& first,
                      const std::vector<std::string>& second);

// One line with the number on each side and three examples: "2 samples only in table.biom ('a',
// 'b'), 1 only in meta.tsv ('x'), 30 in both".
std::string describe(const IdOverlap& overlap, std::string_view first, std::string_view second);

// Ids that a file can give back as they are.
//   throws ArgumentError with the id: not UTF-8, a zero byte
void require_utf8_ids(const std::vector<std::string>& ids, const std::string& path);
//   throws ArgumentError with the id: as above, and a tab, a line end, a byte-order mark in front,
//   double quotes around
void require_text_ids(const std::vector<std::string>& ids, const std::string& path);

}  // namespace deepbio::io
