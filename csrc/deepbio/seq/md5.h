// MD5 of a sequence: QIIME 2 names features by it, so that ids can be checked against
// representative sequences. Not for secrets. Source: RFC 1321.
#pragma once

#include <string>
#include <string_view>

namespace deepbio::seq {

// 32 lower-case hexadecimal digits.
std::string md5_hex(std::string_view bytes);
// md5_hex of the sequence in upper case, as DADA2 and Deblur in QIIME 2 name features.
std::string sequence_md5(std::string_view sequence);
// Whether an id has the form of an MD5.
bool is_md5(std::string_view id);

}  // namespace deepbio::seq
